"""What does it cost a month, at which load, and what moves that?"""
