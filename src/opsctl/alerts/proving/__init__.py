"""Proof that an alert fires, is routed, and arrives in time: a fault is made, and its message waited for."""
