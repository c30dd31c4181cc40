"""What the codes of the scoring model mean, for `opsctl explain`."""

EXPLANATIONS: dict[str, str] = {
    "MDL001": "`model.provider` of the service book is `openai` or `simulated`, and `model.url` says nowhere where "
    "the endpoint is. It is the address before `/chat/completions`, such as `https://api.example/v1`.",
    "MDL002": "The key of the scoring model is sent as an HTTP header, which holds printable ASCII only. Mostly a "
    "line break came along when the key was read from a file.",
}
