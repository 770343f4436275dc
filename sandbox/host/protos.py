"""The protobuf classes of the host-worker contract, compiled from worker.proto when the host starts."""

import tempfile
from pathlib import Path
from types import SimpleNamespace

import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc


def load() -> SimpleNamespace:
    """Every message class of worker.proto by its name, the form in which the worker library wants them.

    Raises RuntimeError when worker.proto does not compile; protoc has then said why on standard error.
    """
    files = _compile(Path(__file__).with_name("worker.proto")).file
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    classes = message_factory.GetMessageClassesForFiles([files[-1].name], pool)
    return SimpleNamespace(**{name.rpartition(".")[2]: each for name, each in classes.items()})


def _compile(source: Path) -> descriptor_pb2.FileDescriptorSet:
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "worker.bin"
        arguments = [f"-I{source.parent}", f"-I{well_known}", "--include_imports", f"--descriptor_set_out={out}"]
        if protoc.main(["protoc", *arguments, source.name]):
            raise RuntimeError(f"{source} does not compile")
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
