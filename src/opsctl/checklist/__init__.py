"""Is it ready for production, and which evidence says so?"""
