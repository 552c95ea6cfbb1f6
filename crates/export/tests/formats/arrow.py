"""Reads a Parquet file with Apache Arrow and prints what is in it: rows, types, and the entries."""
import json
import sys

import pyarrow.parquet

table = pyarrow.parquet.read_table(sys.argv[1])
rows = table.to_pylist()
print(json.dumps({
    "rows": len(rows), "types": {field.name: str(field.type) for field in table.schema},
    "codec": pyarrow.parquet.ParquetFile(sys.argv[1]).metadata.row_group(0).column(0).compression,
    "entries": [json.loads(row["entry"]) for row in rows], "verdicts": [row["verdict"] for row in rows],
    "at": [row["at"].isoformat() for row in rows],
}))
