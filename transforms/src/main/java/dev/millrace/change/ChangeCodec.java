package dev.millrace.change;

import dev.millrace.change.ChangeEvent.Origin;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// Encodes and decodes the records of both topics: a version, a kind, then the parts in a fixed
/// order. An unknown version or kind is refused; nothing is skipped. Thread-safe.
public final class ChangeCodec {

    private static final int VERSION = 1;

    private static final int READ = 1;
    private static final int INSERT = 2;
    private static final int UPDATE = 3;
    private static final int DELETE = 4;
    private static final int TRUNCATE = 5;
    private static final int WATERMARK = 6;
    private static final int UPSERT = 17;
    private static final int TARGET_DELETE = 18;
    private static final int REJECTED = 19;
    private static final int TARGET_TRUNCATE = 20;
    private static final int TARGET_WATERMARK = 21;

    private static final int NULL_CELL = 0;
    private static final int UNCHANGED_CELL = 1;
    private static final int FIRST_LENGTH = 2;

    private final RowSchemaCodec rowSchemas = new RowSchemaCodec();

    public byte[] encode(ChangeEvent event) {
        ByteWriter out = new ByteWriter();
        out.one(VERSION);
        switch (event) {
            case ChangeEvent.Read read -> row(out, READ, read);
            case ChangeEvent.Insert insert -> row(out, INSERT, insert);
            case ChangeEvent.Update update -> row(out, UPDATE, update);
            case ChangeEvent.Delete delete -> row(out, DELETE, delete);
            case ChangeEvent.Truncate truncate -> {
                out.one(TRUNCATE);
                out.number(truncate.generation());
                origin(out, truncate.origin());
                table(out, truncate.table());
                out.number(truncate.id());
            }
            case ChangeEvent.Watermark watermark -> {
                out.one(WATERMARK);
                out.number(watermark.generation());
                origin(out, watermark.origin());
                out.number(watermark.watermark().number());
            }
        }
        return out.toBytes();
    }

    public ChangeEvent decodeEvent(byte[] bytes) {
        ByteReader in = open(bytes);
        int kind = in.one();
        int generation = (int) in.number();
        Origin origin = origin(in);
        ChangeEvent event =
                switch (kind) {
                    case READ -> new ChangeEvent.Read(generation, origin, row(in));
                    case INSERT -> new ChangeEvent.Insert(generation, origin, row(in));
                    case UPDATE -> new ChangeEvent.Update(generation, origin, row(in));
                    case DELETE -> new ChangeEvent.Delete(generation, origin, row(in));
                    case TRUNCATE ->
                            new ChangeEvent.Truncate(generation, origin, table(in), in.number());
                    case WATERMARK ->
                            new ChangeEvent.Watermark(
                                    origin, new WatermarkNumber(generation, in.number()));
                    default ->
                            throw new IllegalArgumentException(
                                    "unknown kind of change" + " event: " + kind);
                };
        in.end();
        return event;
    }

    public byte[] encode(TargetChange change) {
        ByteWriter out = new ByteWriter();
        out.one(VERSION);
        switch (change) {
            case TargetChange.Upsert(Token token, Row row) -> {
                head(out, UPSERT, token);
                row(out, row);
            }
            case TargetChange.Delete(Token token, Row row) -> {
                head(out, TARGET_DELETE, token);
                row(out, row);
            }
            case TargetChange.Rejected(Token token, TableId target, RowKey key, String reason) -> {
                head(out, REJECTED, token);
                table(out, target);
                table(out, key.table());
                out.number(key.size());
                for (int i = 0; i < key.size(); i++) {
                    cell(out, key.value(i));
                }
                out.string(reason);
            }
            case TargetChange.Truncate(Token token, TableId target, long id) -> {
                head(out, TARGET_TRUNCATE, token);
                table(out, target);
                out.number(id);
            }
            case TargetChange.Watermark(Token token, WatermarkNumber watermark) -> {
                head(out, TARGET_WATERMARK, token);
                out.number(watermark.generation());
                out.number(watermark.number());
            }
        }
        return out.toBytes();
    }

    public TargetChange decodeChange(byte[] bytes) {
        ByteReader in = open(bytes);
        int kind = in.one();
        Token token = new Token((int) in.number(), in.signed(), (int) in.number());
        TargetChange change =
                switch (kind) {
                    case UPSERT -> new TargetChange.Upsert(token, row(in));
                    case TARGET_DELETE -> new TargetChange.Delete(token, row(in));
                    case REJECTED ->
                            new TargetChange.Rejected(token, table(in), key(in), in.string());
                    case TARGET_TRUNCATE ->
                            new TargetChange.Truncate(token, table(in), in.number());
                    case TARGET_WATERMARK ->
                            new TargetChange.Watermark(
                                    token, new WatermarkNumber((int) in.number(), in.number()));
                    default ->
                            throw new IllegalArgumentException(
                                    "unknown kind of target" + " change: " + kind);
                };
        in.end();
        return change;
    }

    private static ByteReader open(byte[] bytes) {
        ByteReader in = new ByteReader(bytes);
        int version = in.one();
        if (version != VERSION) {
            throw new UnknownFormatException(
                    "the record has format "
                            + version
                            + ", but this version reads"
                            + " format "
                            + VERSION);
        }
        return in;
    }

    private void row(ByteWriter out, int kind, ChangeEvent.OfRow event) {
        out.one(kind);
        out.number(event.generation());
        origin(out, event.origin());
        row(out, event.row());
    }

    private static void head(ByteWriter out, int kind, Token token) {
        out.one(kind);
        out.number(token.generation());
        out.signed(token.changesOffset());
        out.number(token.ordinal());
    }

    private void row(ByteWriter out, Row row) {
        out.bytes(rowSchemas.encode(row.schema()));
        for (int i = 0; i < row.schema().size(); i++) {
            if (row.isUnchanged(i)) {
                out.number(UNCHANGED_CELL);
            } else {
                cell(out, row.text(i));
            }
        }
    }

    private Row row(ByteReader in) {
        RowSchema rowSchema = rowSchemas.decode(in.bytes());
        Row.Builder row = new Row.Builder(rowSchema);
        for (int i = 0; i < rowSchema.size(); i++) {
            int head = in.length();
            switch (head) {
                case NULL_CELL -> row.text(i, null);
                case UNCHANGED_CELL -> row.unchanged(i);
                default -> row.text(i, in.string(head - FIRST_LENGTH));
            }
        }
        return row.build();
    }

    private static RowKey key(ByteReader in) {
        TableId table = table(in);
        @Nullable String[] values = new String[in.length()];
        for (int i = 0; i < values.length; i++) {
            int head = in.length();
            if (head == UNCHANGED_CELL) {
                throw new IllegalArgumentException(
                        "a key of " + table + " contains an unchanged cell");
            }
            values[i] = head == NULL_CELL ? null : in.string(head - FIRST_LENGTH);
        }
        return new RowKey(table, values);
    }

    private static void cell(ByteWriter out, @Nullable String text) {
        if (text == null) {
            out.number(NULL_CELL);
        } else {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            out.number(bytes.length + (long) FIRST_LENGTH);
            out.raw(bytes);
        }
    }

    private static void origin(ByteWriter out, Origin origin) {
        out.number(origin.lsn().value());
        out.number(origin.transaction());
        out.signed(origin.committedAtMicros());
    }

    private static Origin origin(ByteReader in) {
        return new Origin(new Lsn(in.number()), in.number(), in.signed());
    }

    private static void table(ByteWriter out, TableId table) {
        out.string(table.schema());
        out.string(table.name());
    }

    private static TableId table(ByteReader in) {
        return new TableId(in.string(), in.string());
    }

    /// A record has a format that this version does not read. The message names both formats.
    public static final class UnknownFormatException extends IllegalArgumentException {

        private static final long serialVersionUID = 1L;

        public UnknownFormatException(String message) {
            super(message);
        }
    }
}
