package dev.millrace.change;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The dictionary of the row schemas of one block. A row refers to its schema by number; the first
/// row of a schema is followed by the schema itself. A row of the same schema as the row before it
/// has a flag instead of a number.
final class BlockSchemas {

    private static final int SAME_SCHEMA = 0x10;

    private BlockSchemas() {}

    static final class Writer {

        private final RowSchemaCodec codec;
        private final Map<RowSchema, Integer> numbers = new HashMap<>();
        private int last = -1;

        Writer(RowSchemaCodec codec) {
            this.codec = codec;
        }

        /// Writes the head of an entry and the schema of its row.
        void write(ByteWriter out, int head, Row row) {
            Integer known = numbers.get(row.schema());
            if (known != null && known == last) {
                out.one(head | SAME_SCHEMA);
                return;
            }
            out.one(head);
            last = known == null ? numbers.size() : known;
            out.number(last);
            if (known == null) {
                numbers.put(row.schema(), last);
                out.bytes(codec.encode(row.schema()));
            }
        }

        void reset() {
            numbers.clear();
            last = -1;
        }
    }

    static final class Reader {

        private final RowSchemaCodec codec;
        private final List<RowSchema> schemas = new ArrayList<>();
        private int last = -1;

        Reader(RowSchemaCodec codec) {
            this.codec = codec;
        }

        /// @param head the head of the entry, which was read
        RowSchema read(ByteReader in, int head) {
            if ((head & SAME_SCHEMA) == 0) {
                last = in.length();
                if (last == schemas.size()) {
                    schemas.add(codec.decode(in.bytes()));
                }
            }
            if (last < 0 || last >= schemas.size()) {
                throw new IllegalArgumentException("the block has no row schema " + last);
            }
            return schemas.get(last);
        }
    }
}
