"""The reader of input records that the settings ask for."""

from streams.contracts.sources.own import load_own
from streams.contracts.sources.records import RecordReader, reader_of
from streams.errors import SettingsError
from streams.settings import Settings


def record_reader(settings: Settings) -> RecordReader:
    """The mapping files and topics of the settings.

    Raises:
        SettingsError: a file or a topic's source is wrong; with its place.
    """
    try:
        return reader_of(load_own(settings.mappings_dir), settings.input_sources)
    except ValueError as error:
        raise SettingsError(f"input_sources: {error}") from error
