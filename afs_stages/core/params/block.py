"""The base of every block of params.yaml."""

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """A mapping of params.yaml: unknown keys are errors,
    values do not change after loading, and every number has an end.
    """

    # An endless number bounds no bill, and no rate or weight either.
    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False
    )
