package dev.millrace.change;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Encodes and decodes row schemas, each of them once: a block repeats the schemas of its rows.
/// Thread-safe.
final class RowSchemaCodec {

    private final Map<RowSchema, byte[]> encoded = new ConcurrentHashMap<>();
    private final Map<Bytes, RowSchema> decoded = new ConcurrentHashMap<>();

    byte[] encode(RowSchema rowSchema) {
        return encoded.computeIfAbsent(rowSchema, RowSchemaCodec::toBytes);
    }

    RowSchema decode(byte[] bytes) {
        return decoded.computeIfAbsent(new Bytes(bytes), key -> toRowSchema(key.content));
    }

    private static byte[] toBytes(RowSchema rowSchema) {
        ByteWriter out = new ByteWriter();
        out.string(rowSchema.table().schema());
        out.string(rowSchema.table().encodedName());
        out.number(rowSchema.size());
        rowSchema.columns().forEach(out::string);
        out.number(rowSchema.key().size());
        rowSchema.key().forEach(out::number);
        return out.toBytes();
    }

    private static RowSchema toRowSchema(byte[] bytes) {
        ByteReader in = new ByteReader(bytes);
        TableId table = TableId.decoded(in.string(), in.string());
        List<String> columns = new ArrayList<>();
        for (int left = in.length(); left > 0; left--) {
            columns.add(in.string());
        }
        List<Integer> key = new ArrayList<>();
        for (int left = in.length(); left > 0; left--) {
            key.add((int) in.number());
        }
        in.end();
        return new RowSchema(table, columns, key);
    }

    private static final class Bytes {
        private final byte[] content;
        private final int hash;

        Bytes(byte[] content) {
            this.content = content;
            this.hash = Arrays.hashCode(content);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Bytes that && Arrays.equals(content, that.content);
        }

        @Override
        public int hashCode() {
            return hash;
        }
    }
}
