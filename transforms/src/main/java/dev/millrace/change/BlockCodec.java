package dev.millrace.change;

import dev.millrace.change.ChangeEvent.Origin;
import java.util.ArrayList;
import java.util.List;

/// Encodes and decodes the records of both topics. An unknown format or kind is refused; nothing is
/// skipped. The format is in `docs/log-format.md`. Thread-safe, except the writers.
public final class BlockCodec {

    private static final int FORMAT = 2;

    static final int CHANGES = 1;
    private static final int TRUNCATE = 2;
    private static final int WATERMARK = 3;
    private static final int BACKFILL_COMPLETE = 4;
    static final int TARGET = 17;
    private static final int TARGET_TRUNCATE = 18;
    private static final int TARGET_WATERMARK = 19;
    private static final int TARGET_BACKFILL_COMPLETE = 20;

    private final RowSchemaCodec schemas = new RowSchemaCodec();

    public ChangeBlock.Writer changes(int generation) {
        return new ChangeBlock.Writer(generation, schemas);
    }

    public TargetBlock.Writer targetChanges() {
        return new TargetBlock.Writer(schemas);
    }

    /// @param total see [ChangeBlock#total]
    public byte[] encode(ChangeEvent.Truncate truncate, long total) {
        ByteWriter out = head(TRUNCATE, truncate.generation(), total);
        origin(out, truncate.origin());
        table(out, truncate.table());
        out.number(truncate.id());
        return out.toBytes();
    }

    /// @param total see [ChangeBlock#total]
    public byte[] encode(ChangeEvent.Watermark watermark, long total) {
        ByteWriter out = head(WATERMARK, watermark.generation(), total);
        origin(out, watermark.origin());
        out.number(watermark.watermark().number());
        return out.toBytes();
    }

    /// @param total see [ChangeBlock#total]
    public byte[] encode(ChangeEvent.BackfillComplete complete, long total) {
        ByteWriter out = head(BACKFILL_COMPLETE, complete.generation(), total);
        table(out, complete.table());
        return out.toBytes();
    }

    /// @param total see [TargetBlock#total]
    public byte[] encode(TargetChange.BackfillComplete complete, long total) {
        ByteWriter out = head(TARGET_BACKFILL_COMPLETE, complete.token(), total);
        tables(out, complete.targets());
        return out.toBytes();
    }

    /// @param total see [TargetBlock#total]
    public byte[] encode(TargetChange.Truncate truncate, long total) {
        ByteWriter out = head(TARGET_TRUNCATE, truncate.token(), total);
        tables(out, truncate.targets());
        out.number(truncate.id());
        return out.toBytes();
    }

    /// @param total see [TargetBlock#total]
    public byte[] encode(TargetChange.Watermark watermark, long total) {
        ByteWriter out = head(TARGET_WATERMARK, watermark.token(), total);
        out.number(watermark.watermark().generation());
        out.number(watermark.watermark().number());
        return out.toBytes();
    }

    /// Decodes a record of the changes topic. The rows share the array.
    public ChangeBlock decodeChanges(byte[] bytes) {
        ByteReader in = open(bytes);
        int kind = in.one();
        int generation = (int) in.number();
        long total = in.number();
        List<ChangeEvent> events =
                switch (kind) {
                    case CHANGES -> ChangeBlock.read(in, generation, schemas);
                    case TRUNCATE ->
                            List.of(
                                    new ChangeEvent.Truncate(
                                            generation, origin(in), table(in), in.number()));
                    case WATERMARK ->
                            List.of(
                                    new ChangeEvent.Watermark(
                                            origin(in),
                                            new WatermarkNumber(generation, in.number())));
                    case BACKFILL_COMPLETE ->
                            List.of(new ChangeEvent.BackfillComplete(generation, table(in)));
                    default ->
                            throw new IllegalArgumentException(
                                    "unknown kind of record in the changes topic: " + kind);
                };
        in.end();
        return new ChangeBlock(generation, total, events);
    }

    /// Decodes a record of a target topic. The rows share the array.
    public TargetBlock decodeTarget(byte[] bytes) {
        ByteReader in = open(bytes);
        int kind = in.one();
        int generation = (int) in.number();
        long total = in.number();
        Token upTo = new Token(generation, in.signed(), (int) in.number());
        List<TargetChange> changes =
                switch (kind) {
                    case TARGET -> TargetBlock.read(in, upTo, schemas);
                    case TARGET_TRUNCATE ->
                            List.of(new TargetChange.Truncate(upTo, tables(in), in.number()));
                    case TARGET_WATERMARK ->
                            List.of(
                                    new TargetChange.Watermark(
                                            upTo,
                                            new WatermarkNumber((int) in.number(), in.number())));
                    case TARGET_BACKFILL_COMPLETE ->
                            List.of(new TargetChange.BackfillComplete(upTo, tables(in)));
                    default ->
                            throw new IllegalArgumentException(
                                    "unknown kind of record in a target topic: " + kind);
                };
        in.end();
        return new TargetBlock(upTo, total, changes);
    }

    private static ByteReader open(byte[] bytes) {
        ByteReader in = new ByteReader(bytes);
        int format = in.one();
        if (format != FORMAT) {
            throw new UnknownFormatException(
                    "the record has format "
                            + format
                            + ", but this version reads format "
                            + FORMAT
                            + ". Start a migration with another name, or run the version that wrote"
                            + " the record");
        }
        return in;
    }

    static ByteWriter head(int kind, int generation, long total) {
        ByteWriter out = new ByteWriter();
        out.one(FORMAT);
        out.one(kind);
        out.number(generation);
        out.number(total);
        return out;
    }

    static ByteWriter head(int kind, Token upTo, long total) {
        ByteWriter out = head(kind, upTo.generation(), total);
        out.signed(upTo.changesOffset());
        out.number(upTo.index());
        return out;
    }

    static void origin(ByteWriter out, Origin origin) {
        out.number(origin.lsn().value());
        out.number(origin.transaction());
        out.signed(origin.committedAtMicros());
    }

    static Origin origin(ByteReader in) {
        return new Origin(new Lsn(in.number()), in.number(), in.signed());
    }

    static void table(ByteWriter out, TableId table) {
        out.string(table.schema());
        out.string(table.encodedName());
    }

    static TableId table(ByteReader in) {
        return TableId.decoded(in.string(), in.string());
    }

    private static void tables(ByteWriter out, List<TableId> tables) {
        out.number(tables.size());
        tables.forEach(table -> table(out, table));
    }

    private static List<TableId> tables(ByteReader in) {
        List<TableId> tables = new ArrayList<>();
        for (int left = in.length(); left > 0; left--) {
            tables.add(table(in));
        }
        return tables;
    }

    /// A record has a format that this version does not read. The message names both formats.
    public static final class UnknownFormatException extends IllegalArgumentException {

        private static final long serialVersionUID = 1L;

        public UnknownFormatException(String message) {
            super(message);
        }
    }
}
