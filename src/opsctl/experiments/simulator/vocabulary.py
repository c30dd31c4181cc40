"""What words do vendors describe themselves with: one for each style, two poles for each trait."""

# The formatter would put each word on a line of its own.
# fmt: off
STYLES = (
    ("documentary", "candid", "reportage"), ("fine art", "painterly", "gallery"),
    ("moody", "cinematic", "shadowy"), ("rustic", "barn", "countryside"),
    ("bohemian", "free-spirited", "wildflower"), ("editorial", "fashion", "magazine"),
    ("classic", "timeless", "traditional"), ("minimalist", "clean", "understated"),
    ("vintage", "analogue", "film"), ("coastal", "beach", "ocean"),
    ("industrial", "loft", "urban"), ("whimsical", "playful", "fairytale"),
)
"""Of each style its name and other words for it."""

TRAITS = (
    ("bright", "dark"), ("warm", "cool"), ("posed", "spontaneous"), ("intimate", "grand"), ("colourful", "monochrome"),
    ("quiet", "exuberant"), ("modern", "nostalgic"), ("rugged", "delicate"), ("formal", "relaxed"), ("soft", "crisp"),
    ("rural", "metropolitan"), ("dreamy", "honest"), ("abundant", "sparse"), ("romantic", "witty"),
    ("handmade", "polished"), ("sunlit", "nocturnal"),
)
"""Of each dimension the word for much and the word for little of it."""

CITIES = ("Melbourne", "Sydney", "Brisbane", "Perth", "Adelaide", "Hobart", "Fremantle", "Byron Bay")
PRICES = ("budget friendly", "affordable", "mid-range", "upmarket", "luxury")
STARS = ("mixed reviews", "decent reviews", "good reviews", "very good reviews", "outstanding reviews")
UNREVIEWED = "new here, no reviews yet"
# fmt: on


def style_words(style: int) -> tuple[str, ...]:
    """Return the words of a style; those beyond the known ones have a number."""
    return STYLES[style] if style < len(STYLES) else (f"style-{style}",)


def trait_word(dimension: int, *, much: bool) -> str:
    """Return the word for much, or for little, of a dimension."""
    if dimension < len(TRAITS):
        return TRAITS[dimension][0 if much else 1]
    return f"{'more' if much else 'less'}-{dimension}"


def city_name(city: int) -> str:
    """Return the name of a city."""
    return CITIES[city] if city < len(CITIES) else f"Town {city}"
