"""Writes a GGUF model once more with plain weights: what llama.cpp computes can then be compared to torch."""

from __future__ import annotations

import secrets
from pathlib import Path

from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.policies.model_request import check_gguf


def write_dequantised(source: Path, target: Path, *, tied: bool = False) -> Path:
    """Write `source` with all weights in float32, 4 bytes each; a reader sees all of `target` or none.

    They are the very numbers that gguf_conversion gives, rounded to float16 as there; `tied` makes the head and the
    embeddings one, the finer of the two, as it does too. Raises ModelUnusable, OSError.
    """
    import gguf
    import numpy as np
    from gguf.quants import dequantize

    check_gguf(source)
    try:
        reader = gguf.GGUFReader(source)
        architecture = str(reader.fields["general.architecture"].contents())
    except (ValueError, KeyError, IndexError) as error:
        raise ModelUnusable(
            f"{source.name} cannot be read as a model ({error}).", "Get the file again."
        ) from error
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    writer = gguf.GGUFWriter(draft, architecture)
    try:
        for name, field in reader.fields.items():
            if name.startswith("GGUF.") or name in {"general.architecture", "general.file_type"}:
                continue
            inner = field.types[1] if len(field.types) > 1 else None
            writer.add_key_value(name, field.contents(), field.types[0], inner)
        writer.add_file_type(gguf.LlamaFileType.ALL_F32)
        tensors = {one.name: one for one in reader.tensors}
        head = tensors.pop("output.weight", None) if tied else None
        if head is not None and head.n_bytes > tensors["token_embd.weight"].n_bytes:
            tensors["token_embd.weight"] = head
        for name, one in tensors.items():
            shape = tuple(int(length) for length in reversed(one.shape))
            writer.add_tensor_info(name, shape, np.dtype("float32"), 4 * int(one.n_elements))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for one in tensors.values():
            rounded = dequantize(one.data, one.tensor_type).astype("float16")
            writer.write_tensor_data(rounded.astype("float32"))
        writer.close()
        draft.replace(target)
    finally:
        writer.close()
        draft.unlink(missing_ok=True)
    return target
