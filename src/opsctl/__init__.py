"""Operations control plane that proves a vector-search ranking service is ready for production."""

__version__ = "0.1.0"
