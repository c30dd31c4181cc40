"""Collections and aliases share one room of names, and alias actions are all or nothing."""

import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse
from tests.stack.vector_node.helpers import create, fill, ids

from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.catalog import check_name

pytestmark = pytest.mark.stack


def _point_alias(alias: str, *, at: str) -> models.CreateAliasOperation:
    return models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=at, alias_name=alias))


def _drop_alias(alias: str) -> models.DeleteAliasOperation:
    return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))


def _aliases(client: QdrantClient) -> dict[str, str]:
    return {each.alias_name: each.collection_name for each in client.get_aliases().aliases}


@pytest.mark.slow
def test_an_alias_moves_when_it_is_created_again(qdrant: QdrantClient) -> None:
    """Reads and writes through the alias follow it, and each collection lists its own aliases."""
    for name in ("names_a", "names_b"):
        create(qdrant, name)
    fill(qdrant, "names_a", 3)
    qdrant.update_collection_aliases([_point_alias("names_now", at="names_a")])
    assert ids(qdrant, "names_now") == {0, 1, 2}

    qdrant.update_collection_aliases([_point_alias("names_now", at="names_b")])

    assert ids(qdrant, "names_now") == set()
    assert qdrant.get_collection_aliases("names_a").aliases == []
    assert [each.alias_name for each in qdrant.get_collection_aliases("names_b").aliases] == ["names_now"]


def test_a_list_of_alias_actions_is_all_or_nothing(qdrant: QdrantClient) -> None:
    """One bad action in the list, and none of the others has happened."""
    create(qdrant, "names_a")
    qdrant.update_collection_aliases([_point_alias("names_now", at="names_a")])

    with pytest.raises(UnexpectedResponse, match="Collection `nowhere` doesn"):
        qdrant.update_collection_aliases(
            [
                _drop_alias("names_now"),
                _point_alias("names_new", at="names_a"),
                _point_alias("names_x", at="nowhere"),
            ]
        )

    assert _aliases(qdrant) == {"names_now": "names_a"}


@pytest.mark.slow
def test_a_rename_and_a_swap_are_one_step(qdrant: QdrantClient) -> None:
    """Delete, create and rename in one list see each other's effect."""
    for name in ("names_a", "names_b"):
        create(qdrant, name)
    qdrant.update_collection_aliases([_point_alias("names_now", at="names_a")])

    qdrant.update_collection_aliases(
        [
            models.RenameAliasOperation(
                rename_alias=models.RenameAlias(old_alias_name="names_now", new_alias_name="names_old")
            ),
            _point_alias("names_now", at="names_b"),
        ]
    )

    assert _aliases(qdrant) == {"names_old": "names_a", "names_now": "names_b"}


def test_a_name_is_a_collection_or_an_alias_never_both(qdrant: QdrantClient) -> None:
    """Either way round the second one is refused."""
    create(qdrant, "names_a")
    qdrant.update_collection_aliases([_point_alias("names_now", at="names_a")])

    with pytest.raises(UnexpectedResponse, match="Alias with the same name already exists"):
        create(qdrant, "names_now")
    with pytest.raises(UnexpectedResponse, match="already exists"):
        qdrant.update_collection_aliases([_point_alias("names_a", at="names_a")])
    with pytest.raises(UnexpectedResponse, match="already exists"):
        create(qdrant, "names_a")


@pytest.mark.slow
def test_deleting_a_collection_takes_its_aliases_along(qdrant: QdrantClient) -> None:
    """No alias is left that leads nowhere; a collection of the same name starts empty."""
    create(qdrant, "names_a")
    fill(qdrant, "names_a", 5)
    qdrant.update_collection_aliases([_point_alias("names_now", at="names_a")])

    assert qdrant.delete_collection("names_a")

    assert _aliases(qdrant) == {}
    assert not qdrant.collection_exists("names_a")
    assert not qdrant.delete_collection("names_a")
    create(qdrant, "names_a")
    assert ids(qdrant, "names_a") == set()


@pytest.mark.parametrize("name", ["", "..", "a\\b", "a:b", "a/b", "x" * 300])
def test_names_that_qdrant_refuses_are_refused(name: str) -> None:
    """Neither a collection nor an alias can have such a name."""
    with pytest.raises(ApiError) as refused:
        check_name(name)

    assert refused.value.status == 422
