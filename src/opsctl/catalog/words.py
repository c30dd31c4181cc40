"""What does the generated marketplace talk about: its regions, its categories and the words of each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A country of the marketplace: its cities, the largest first, its languages and its level of prices."""

    code: str
    cities: tuple[str, ...]
    price_level: float
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A trade: how common it is, what it costs in the middle and how widely that spreads, and what it sells."""

    name: str
    share: float
    median_price_usd: float
    price_spread: float
    services: tuple[str, ...]
    styles: tuple[str, ...]
    details: tuple[str, ...]
    tags: tuple[str, ...]
    abroad: dict[str, str]


# The formatter would put each word on a line of its own.
# fmt: off
# In the order of their size, which falls off by Zipf's law.
REGIONS = (
    Region(code="US", price_level=1.15, cities=("Brooklyn", "Los Angeles", "Austin", "Chicago", "Portland", "Nashville", "Savannah", "Santa Fe")),
    Region(code="AU", price_level=1.0, cities=("Melbourne", "Sydney", "Brisbane", "Perth", "Adelaide", "Hobart", "Byron Bay", "Fremantle")),
    Region(code="GB", price_level=1.05, cities=("London", "Manchester", "Edinburgh", "Bristol", "Leeds", "Cardiff", "Brighton", "St Ives")),
    Region(code="DE", price_level=0.95, language="de", cities=("Berlin", "München", "Hamburg", "Köln", "Leipzig", "Freiburg", "Görlitz")),
    Region(code="CA", price_level=0.95, cities=("Toronto", "Montréal", "Vancouver", "Calgary", "Halifax", "Victoria")),
    Region(code="NZ", price_level=0.85, cities=("Auckland", "Wellington", "Christchurch", "Queenstown", "Whanganui", "Kerikeri")),
    Region(code="FR", price_level=0.95, language="fr", cities=("Paris", "Lyon", "Marseille", "Bordeaux", "Annecy", "Saint-Malo")),
    Region(code="JP", price_level=0.9, language="ja", cities=("東京", "大阪", "京都", "福岡", "札幌")),
    Region(code="BR", price_level=0.5, language="pt", cities=("São Paulo", "Rio de Janeiro", "Salvador", "Florianópolis", "Belém")),
    Region(code="IE", price_level=1.0, cities=("Dublin", "Cork", "Galway", "Kilkenny", "Dingle")),
)

CATEGORIES = (
    Category(
        name="photographer", share=24, median_price_usd=1400, price_spread=0.55,
        services=(
            "wedding photography", "portrait session", "elopement package", "newborn photos",
            "event photography", "food photography", "headshots",
        ),
        styles=("documentary", "film-look", "editorial", "candid", "black-and-white", "golden-hour", "drone"),
        details=(
            "A private online gallery follows within three weeks.",
            "Second shooter included from eight hours on.", "All files are edited by hand; no presets.",
            "Prints on cotton paper are available.",
        ),
        tags=("film", "35mm", "drone", "album", "second-shooter", "elopement", "raw-files"),
        abroad={"de": "Hochzeitsfotografie", "fr": "Photographie de mariage", "ja": "ウェディングフォト", "pt": "Fotografia de casamento"},
    ),
    Category(
        name="venue", share=15, median_price_usd=4200, price_spread=0.7,
        services=(
            "garden venue", "warehouse loft", "barn for hire", "rooftop space", "vineyard estate",
            "town hall room",
        ),
        styles=("sunlit", "industrial", "heritage-listed", "waterfront", "intimate", "off-grid"),
        details=(
            "Seats 120, stands 200.", "Late licence until 1 am.", "Step-free access and parking for forty cars.",
            "A wet-weather plan is part of the hire.",
        ),
        tags=("outdoor", "step-free", "parking", "byo", "accommodation", "late-licence"),
        abroad={"de": "Hochzeitslocation", "fr": "Lieu de réception", "ja": "式場", "pt": "Espaço para eventos"},
    ),
    Category(
        name="videographer", share=11, median_price_usd=1800, price_spread=0.5,
        services=("wedding film", "highlight reel", "brand video", "live stream", "music video"),
        styles=("cinematic", "super-8", "documentary", "one-take", "4K", "handheld"),
        details=(
            "Vows are recorded on two microphones.", "A teaser goes out within the week.",
            "Licensed music is included.", "Drone footage where the rules allow it.",
        ),
        tags=("4k", "super8", "drone", "teaser", "live-stream"),
        abroad={"de": "Hochzeitsfilm", "fr": "Film de mariage", "ja": "ウェディングムービー", "pt": "Filme de casamento"},
    ),
    Category(
        name="musician", share=10, median_price_usd=750, price_spread=0.6,
        services=("string quartet", "jazz trio", "DJ set", "acoustic duo", "ceilidh band", "harpist"),
        styles=("all-vinyl", "late-night", "unplugged", "swing", "indie", "upbeat"),
        details=(
            "Own PA for rooms up to 150 guests.", "Two songs of your choice are learnt for the day.",
            "Public liability insurance included.",
        ),
        tags=("live", "dj", "acoustic", "ceremony", "dance-floor"),
        abroad={"de": "Live-Musik", "fr": "Groupe de musique", "ja": "生演奏", "pt": "Música ao vivo"},
    ),
    Category(
        name="florist", share=9, median_price_usd=620, price_spread=0.65,
        services=("bridal bouquet", "table flowers", "floral arch", "flower subscription", "installation"),
        styles=("wild", "seasonal", "dried", "garden-grown", "monochrome", "tropical"),
        details=("Grown within fifty kilometres.", "No floral foam is used.", "Set-up and pack-down included."),
        tags=("seasonal", "foam-free", "dried", "local", "bouquet"),
        abroad={"de": "Brautstrauß und Floristik", "fr": "Fleurs de mariage", "ja": "ブーケと装花", "pt": "Flores e buquês"},
    ),
    Category(
        name="caterer", share=8, median_price_usd=2600, price_spread=0.6,
        services=(
            "grazing table", "street-food truck", "plated dinner", "oyster bar", "wood-fired pizza",
            "vegan menu",
        ),
        styles=("seasonal", "family-style", "zero-waste", "smoky", "Sri Lankan", "farm-to-table"),
        details=(
            "Gluten-free and vegan without asking twice.", "Staff, crockery and clean-up included.",
            "A tasting for two before you decide.",
        ),
        tags=("vegan", "halal", "gluten-free", "food-truck", "plated"),
        abroad={"de": "Catering und Buffet", "fr": "Traiteur", "ja": "ケータリング", "pt": "Bufê completo"},
    ),
    Category(
        name="makeup_artist", share=7, median_price_usd=240, price_spread=0.45,
        services=("bridal make-up", "hair and make-up trial", "on-set make-up", "party glam"),
        styles=("natural", "dewy", "bold", "vintage", "airbrush"),
        details=("Cruelty-free products only.", "Travel within the city is included.", "Touch-up kit left with you."),
        tags=("cruelty-free", "hair", "trial", "mobile"),
        abroad={"de": "Braut-Make-up", "fr": "Maquillage mariée", "ja": "ヘアメイク", "pt": "Maquiagem para noivas"},
    ),
    Category(
        name="planner", share=6, median_price_usd=3100, price_spread=0.5,
        services=("full wedding planning", "on-the-day coordination", "elopement planning", "corporate retreat"),
        styles=("calm", "budget-first", "multicultural", "last-minute", "destination"),
        details=(
            "One contact from first call to last dance.", "A shared budget sheet that is always up to date.",
            "Vendor contracts are checked for you.",
        ),
        tags=("full-service", "on-the-day", "destination", "budget"),
        abroad={"de": "Hochzeitsplanung", "fr": "Wedding planner", "ja": "ウェディングプランナー", "pt": "Assessoria de casamento"},
    ),
    Category(
        name="cake_maker", share=5, median_price_usd=420, price_spread=0.5,
        services=("wedding cake", "dessert table", "macaron tower", "cheese-wheel cake"),
        styles=("naked", "buttercream", "pressed-flower", "sculpted", "three-tier"),
        details=("Serves eighty.", "Delivered and set up cold-chain safe.", "Flavours can differ by tier."),
        tags=("vegan", "gluten-free", "delivery", "sculpted"),
        abroad={"de": "Hochzeitstorte", "fr": "Gâteau de mariage", "ja": "ウェディングケーキ", "pt": "Bolo de casamento"},
    ),
    Category(
        name="celebrant", share=3, median_price_usd=680, price_spread=0.35,
        services=("personal ceremony", "legals-only signing", "vow renewal", "naming day"),
        styles=("warm", "funny", "bilingual", "short-and-sweet", "secular"),
        details=("All paperwork lodged for you.", "Unlimited rewrites of the script.", "Rehearsal on site."),
        tags=("bilingual", "secular", "vows", "legals"),
        abroad={"de": "Freie Trauung", "fr": "Cérémonie laïque", "ja": "司会者", "pt": "Celebrante de casamento"},
    ),
    Category(
        name="stationer", share=2, median_price_usd=310, price_spread=0.5,
        services=("letterpress invitations", "calligraphy", "signage", "save-the-dates"),
        styles=("hand-drawn", "minimal", "gilded", "botanical", "risograph"),
        details=("Printed on recycled cotton stock.", "Two rounds of proofs.", "Envelopes addressed by hand."),
        tags=("letterpress", "calligraphy", "recycled", "signage"),
        abroad={"de": "Einladungskarten", "fr": "Faire-part", "ja": "招待状", "pt": "Convites artesanais"},
    ),
)

FIRST_NAMES = (
    "Ada", "Amir", "Anaïs", "Bo", "Chloé", "Dara", "Eve", "Finn", "Grace", "Hana", "Ines", "Jonas",
    "Kiri", "Lena", "Mateo", "Niamh", "Olu", "Priya", "Quinn", "Rosa", "Sören", "Tama", "Uma", "Vera",
    "Wren", "Yuki", "Zoë",
)
STUDIO_FIRST = (
    "Amber", "Blue", "Copper", "Driftwood", "Ember", "Fern", "Golden", "Harbour", "Indigo", "Juniper",
    "Kelp", "Lantern", "Marble", "North", "Ochre", "Paper", "Quiet", "River", "Salt", "Thistle",
    "Velvet", "Willow",
)
STUDIO_SECOND = (
    "& Co", "& Daughters", "Atelier", "Collective", "House", "Lane", "Makers", "Studio", "Workshop",
    "Yard", "and Oak", "and Thread",
)
OCCASIONS = (
    "weddings", "elopements", "small parties", "brand launches", "milestone birthdays", "anniversaries",
    "long weekends", "winter ceremonies", "backyard dos",
)
EMOJI = ("📷", "✨", "🌿", "💍", "🎶", "🌸", "🥂", "🎂", "🔥")

# Slots: service, style, city, occasion, vendor, hours, emoji. A template in capitals shouts, as some vendors do.
TITLES = (
    "{style} {service} in {city}", "{service} for {occasion}", "{vendor}: {style} {service}",
    "{style} {service}, {hours} hours", "{service} | {city} & surrounds", "{emoji} {style} {service}",
    "{style}, honest {service} {emoji}", "{service} ({city}, all year)", "Not your usual {service}",
    "{SERVICE} IN {CITY}!!", "{city}'s {style} {service} by {vendor}", "half-day {service} - {style}",
)
OPENERS = (
    "{vendor} has been offering {service} around {city} for {years} years.",
    "We make {style} {service} for {occasion}.",
    "Looking for {style} {service} without the fuss? Start here.",
    "{service_sentence} by {vendor}, for {occasion} in {city} and beyond.",
    "Small team, {style} work, {years} years of {occasion}.",
    "I started {vendor} after too many {occasion} with forgettable results.",
)
CLOSERS = (
    "Book early for {month}.", "Travel outside {city} is quoted apart.", "Message us with your date.",
    "Weekdays are cheaper.", "Deposit of 20 %, the rest a week before.", "Kia ora, hello and welcome 👋",
    "Free cancellation up to 30 days before.",
)
MONTHS = ("January", "March", "May", "September", "October", "December")

TITLES_ABROAD = {
    "de": (
        "{service} in {city}", "{service} \N{EN DASH} natürlich & ungestellt", "{vendor}: {service}",
        "{service} für Ihren großen Tag {emoji}",
    ),
    "fr": (
        "{service} à {city}", "{service} \N{EN DASH} naturel et élégant", "{vendor} : {service}",
        "{service} pour l'été à {city} {emoji}",
    ),
    "ja": ("{city}の{service}", "{service}・{vendor}", "自然な{service} {emoji}", "{city}で人気の{service}プラン"),
    "pt": (
        "{service} em {city}", "{service} com alma", "{vendor}: {service}",
        "{service} \N{EN DASH} o seu grande dia {emoji}",
    ),
}
DESCRIPTIONS_ABROAD = {
    "de": (
        "Seit {years} Jahren in {city} und Umgebung. {hours} Stunden Begleitung, persönliche Beratung vorab.",
        "Für Feste mit Herz: {vendor} kommt zu Ihnen, auch über {city} hinaus. Anfahrt inklusive.",
    ),
    "fr": (
        "Depuis {years} ans à {city} et alentours. {hours} heures de prestation, devis gratuit.",
        "{vendor} vous accompagne avec simplicité, du premier appel jusqu'au dernier verre.",
    ),
    "ja": ("{city}で{years}年の実績。{hours}時間のプランです。お気軽にご相談ください。", "{vendor}が大切な一日を丁寧にお手伝いします。出張も可能です。"),
    "pt": (
        "Há {years} anos em {city} e região. Pacote de {hours} horas, orçamento sem compromisso.",
        "{vendor} cuida de cada detalhe para que você aproveite a festa.",
    ),
}
