"""How is text embedded without any model: signed feature hashing of words and their character n-grams.

Sources: Weinberger, Dasgupta, Langford, Smola and Attenberg, Feature Hashing for Large Scale Multitask Learning
(ICML 2009), for the signed hash that keeps inner products unbiased; Bojanowski, Grave, Joulin and Mikolov,
Enriching Word Vectors with Subword Information (TACL 2017), for n-grams of 3 to 5 characters in `<word>`.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from opsctl.embeddings.model import Matrix

_SHORTEST_GRAM, _LONGEST_GRAM = 3, 5
# Longer runs (scripts without spaces, rubbish) are cut, so that one field cannot cost a minute.
_LONGEST_WORD = 40
_WORD = re.compile(rf"\w{{1,{_LONGEST_WORD}}}|[\u2600-\u27bf\U0001f000-\U0001faff]")
# 65,536 words x 128 dimensions are 32 MiB; natural text repeats itself long before that.
_REMEMBERED_WORDS = 65_536
_EMBEDDED_AT_ONCE = 512


class HashingEmbedder:
    """Sums a signed, hashed vector of each word, weighted by 1 + ln(times it occurs), and normalises.

    Nothing is learnt, so nothing needs to be stored or downloaded: dimension and seed say it all, and two
    machines agree. An empty text, and one whose features cancel out, is the first unit vector.
    """

    def __init__(self, *, dimension: int = 128, seed: int = 0) -> None:
        import numpy as np

        self._dimension = dimension
        self._key = seed.to_bytes(8, "little")
        self._seed = seed
        self._index_of_word: dict[str, int] = {}
        self._vector_of_index = np.zeros((1024, dimension), dtype=np.float32)

    @property
    def model_id(self) -> str:
        """Return the scheme's version, the dimension and the seed, which define every vector."""
        return f"hashing-v1-d{self._dimension}-s{self._seed}"

    @property
    def dimension(self) -> int:
        """Return the length of each vector."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> "Matrix":
        """Return one row of length 1 for each text, in the order given."""
        import numpy as np

        if not texts:
            return np.zeros((0, self._dimension), dtype=np.float32)
        slices = range(0, len(texts), _EMBEDDED_AT_ONCE)
        return np.concatenate(
            [self._embed_slice(texts[start : start + _EMBEDDED_AT_ONCE]) for start in slices]
        )

    def _embed_slice(self, texts: Sequence[str]) -> "Matrix":
        import numpy as np

        if len(self._index_of_word) > _REMEMBERED_WORDS:
            self._index_of_word.clear()
        word_indexes: list[int] = []
        weights: list[float] = []
        starts: list[int] = []
        filled_rows: list[int] = []
        for row, text in enumerate(texts):
            counts = Counter(words_of(text))
            if counts:
                filled_rows.append(row)
                starts.append(len(word_indexes))
                word_indexes.extend(map(self._index, counts))
                weights.extend(map(_sublinear, counts.values()))
        sums = np.zeros((len(texts), self._dimension), dtype=np.float64)
        if starts:
            parts = self._vector_of_index[word_indexes] * np.asarray(weights, dtype=np.float64)[:, None]
            sums[filled_rows] = np.add.reduceat(parts, starts, axis=0)
        return _normalised(sums)

    def _index(self, word: str) -> int:
        """Return the row of a word's vector, made when the word is new."""
        import numpy as np

        index = self._index_of_word.get(word)
        if index is None:
            index = len(self._index_of_word)
            if index == len(self._vector_of_index):
                more = np.zeros_like(self._vector_of_index)
                self._vector_of_index = np.concatenate([self._vector_of_index, more])
            self._vector_of_index[index] = self._word_vector(word)
            self._index_of_word[word] = index
        return index

    def _word_vector(self, word: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """Return the word's own feature plus its n-grams, which together weigh as much as the word itself."""
        import numpy as np

        vector = np.zeros(self._dimension)
        grams = tuple(_grams_of(word))
        gram_weight = 1 / math.sqrt(len(grams)) if grams else 0.0
        for feature, weight in ((f"={word}", 1.0), *((gram, gram_weight) for gram in grams)):
            # Not the built-in hash(): that one changes with every process.
            encoded = feature.encode("utf-8", "surrogatepass")
            number = int.from_bytes(blake2b(encoded, digest_size=8, key=self._key).digest(), "little")
            sign = 1.0 if number & 1 else -1.0
            vector[(number >> 1) % self._dimension] += sign * weight
        return vector


def words_of(text: str) -> list[str]:
    """Return the words and emoji of a text in one spelling.

    >>> words_of("CAFÉ  STRASSE, straße 📷")
    ['café', 'strasse', 'strasse', '📷']
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _WORD.findall(folded)


def _grams_of(word: str) -> Iterator[str]:
    framed = f"<{word}>"
    for length in range(_SHORTEST_GRAM, _LONGEST_GRAM + 1):
        for start in range(len(framed) - length + 1):
            yield framed[start : start + length]


def _sublinear(count: int) -> float:
    return 1.0 if count == 1 else 1.0 + math.log(count)


def _normalised(sums: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> "Matrix":
    import numpy as np

    lengths = np.sqrt(np.square(sums).sum(axis=1))
    empty = lengths < 1e-9
    sums[empty, 0] = 1.0
    lengths[empty] = 1.0
    return np.asarray(sums / lengths[:, None], dtype=np.float32)
