package dev.millrace.change;

import dev.millrace.change.ChangeEvent.Origin;
import java.util.ArrayList;
import java.util.List;

/// The value of one record of the changes topic: consecutive changes of one partition, or one
/// truncate, end of a backfill or watermark. The cost per record of Kafka and of Kafka Streams is
/// paid once per block. Immutable. The format is in `docs/log-format.md`.
///
/// @param total number of changes of rows in the partition since the generation began, this block
///   included
/// @param events all of one generation; an event that is not of a row is alone
public record ChangeBlock(int generation, long total, List<ChangeEvent> events) {

    /// A block is full when it contains this many bytes. A larger row is alone in its block.
    public static final int FULL = 512 * 1024;

    /// The most bytes of all cells in a block that has one change. The largest record of the log
    /// has 64 MiB; the rest is for names and Kafka's own bytes.
    public static final int LARGEST = 63 * 1024 * 1024;

    public ChangeBlock {
        events = List.copyOf(events);
    }

    /// The number of changes of rows in this block.
    public int changeCount() {
        return (int) events.stream().filter(ChangeEvent.OfRow.class::isInstance).count();
    }

    private static final int READ = 1;
    private static final int INSERT = 2;
    private static final int UPDATE = 3;
    private static final int DELETE = 4;
    private static final int OVERSIZED = 5;
    private static final int KIND = 0x0F;
    private static final int SAME_ORIGIN = 0x20;
    private static final int AWAITS_READ = 0x40;

    /// Encodes one block of changes of rows, change by change. Not thread-safe; reusable after
    /// [#take].
    public static final class Writer {

        private final int generation;
        private final BlockSchemas.Writer schemas;
        private final ByteWriter body = new ByteWriter();
        private Origin origin = Origin.NONE;
        private int count;

        Writer(int generation, RowSchemaCodec codec) {
            this.generation = generation;
            this.schemas = new BlockSchemas.Writer(codec);
        }

        /// Whether a further row would make the block too large. An empty block accepts every row.
        public boolean isFullFor(Row row) {
            return count > 0 && body.size() + row.size() > FULL;
        }

        public int count() {
            return count;
        }

        public void add(ChangeEvent.OfRow change) {
            if (change.generation() != generation) {
                throw new IllegalArgumentException(
                        "a change of generation "
                                + change.generation()
                                + " in a block of generation "
                                + generation);
            }
            int kind =
                    switch (change) {
                        case ChangeEvent.Read _ -> READ;
                        case ChangeEvent.Insert _ -> INSERT;
                        case ChangeEvent.Update _ -> UPDATE;
                        case ChangeEvent.Delete _ -> DELETE;
                        case ChangeEvent.Oversized _ -> OVERSIZED;
                    };
            boolean sameOrigin = change.origin().equals(origin);
            int flags = (sameOrigin ? SAME_ORIGIN : 0) | (change.awaitsRead() ? AWAITS_READ : 0);
            schemas.write(body, kind | flags, change.row());
            if (!sameOrigin) {
                origin = change.origin();
                BlockCodec.origin(body, origin);
            }
            change.row().write(body);
            if (change instanceof ChangeEvent.Oversized oversized) {
                body.string(oversized.reason());
            }
            count++;
        }

        /// The encoded block. The writer is empty afterwards.
        ///
        /// @param total see [ChangeBlock#total]
        public byte[] take(long total) {
            ByteWriter out = BlockCodec.head(BlockCodec.CHANGES, generation, total);
            out.number(count);
            out.append(body);
            body.reset();
            schemas.reset();
            origin = Origin.NONE;
            count = 0;
            return out.toBytes();
        }
    }

    static List<ChangeEvent> read(ByteReader in, int generation, RowSchemaCodec codec) {
        BlockSchemas.Reader schemas = new BlockSchemas.Reader(codec);
        Origin origin = Origin.NONE;
        int count = in.length();
        List<ChangeEvent> events = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int head = in.one();
            RowSchema schema = schemas.read(in, head);
            if ((head & SAME_ORIGIN) == 0) {
                origin = BlockCodec.origin(in);
            }
            Row row = Row.read(in, schema);
            boolean awaitsRead = (head & AWAITS_READ) != 0;
            events.add(
                    switch (head & KIND) {
                        case READ -> new ChangeEvent.Read(generation, origin, row);
                        case INSERT -> new ChangeEvent.Insert(generation, origin, row, awaitsRead);
                        case UPDATE -> new ChangeEvent.Update(generation, origin, row, awaitsRead);
                        case DELETE -> new ChangeEvent.Delete(generation, origin, row);
                        case OVERSIZED ->
                                new ChangeEvent.Oversized(generation, origin, row, in.string());
                        default ->
                                throw new IllegalArgumentException(
                                        "unknown kind of change: " + (head & KIND));
                    });
        }
        return events;
    }
}
