"""How do readers fare: would they recommend the feed, do they come back, and is what they see relevant to them?"""
