"""The base of every block of params.yaml."""

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """A mapping of params.yaml: unknown keys are errors,
    values do not change after loading.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
