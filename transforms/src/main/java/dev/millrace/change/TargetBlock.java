package dev.millrace.change;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The value of one record of a target topic: all outputs of consecutive changes of one changes
/// block, or one truncate, or one watermark. All outputs of one change are in one block, so a
/// stored token never divides them. Immutable. The format is in `docs/log-format.md`.
///
/// @param upTo the token of the last change whose outputs the block contains; it may have none
/// @param total number of changes of rows in the partition since the generation began, up to and
///   including that change
/// @param changes in the order of their tokens; any other change is alone
public record TargetBlock(Token upTo, long total, List<TargetChange> changes) {

    public TargetBlock {
        changes = List.copyOf(changes);
    }

    private static final int UPSERT = 1;
    private static final int DELETE = 2;
    private static final int REJECTED = 3;
    private static final int KIND = 0x0F;

    /// Encodes the outputs of one changes block. Not thread-safe; reusable after [#take].
    public static final class Writer {

        private final BlockSchemas.Writer schemas;
        private final ByteWriter body = new ByteWriter();
        private int count;
        private int index;

        Writer(RowSchemaCodec codec) {
            this.schemas = new BlockSchemas.Writer(codec);
        }

        /// Whether the outputs of a further change would make the block too large. An empty block
        /// accepts all outputs of one change.
        public boolean isFullFor(List<TargetChange> outputs) {
            if (count == 0) {
                return false;
            }
            long size = body.size();
            for (TargetChange output : outputs) {
                size +=
                        switch (output) {
                            case TargetChange.Upsert(var _, Row row) -> row.size();
                            case TargetChange.Delete(var _, Row row) -> row.size();
                            case TargetChange.Rejected rejected -> rejected.image().size();
                            case TargetChange.Truncate _,
                                    TargetChange.BackfillComplete _,
                                    TargetChange.Watermark _ ->
                                    0;
                        };
            }
            return size > ChangeBlock.FULL;
        }

        /// Adds an output. All outputs of the block must be of one changes block, in the order of
        /// their tokens.
        public void add(TargetChange output) {
            body.number(output.token().index() - (long) index);
            index = output.token().index();
            switch (output) {
                case TargetChange.Upsert(var _, Row row) -> write(UPSERT, row);
                case TargetChange.Delete(var _, Row row) -> write(DELETE, row);
                case TargetChange.Rejected rejected -> {
                    write(REJECTED, rejected.image());
                    BlockCodec.table(body, rejected.target());
                    body.number(rejected.mapping());
                    body.string(rejected.reason());
                    body.one(rejected.targetKey().isPresent() ? 1 : 0);
                    rejected.targetKey().ifPresent(key -> write(UPSERT, key));
                }
                case TargetChange.Truncate _,
                        TargetChange.BackfillComplete _,
                        TargetChange.Watermark _ ->
                        throw new IllegalArgumentException("only changes of rows share a block");
            }
            count++;
        }

        private void write(int kind, Row row) {
            schemas.write(body, kind, row);
            row.write(body);
        }

        /// The encoded block. The writer is empty afterwards.
        public byte[] take(Token upTo, long total) {
            ByteWriter out = BlockCodec.head(BlockCodec.TARGET, upTo, total);
            out.number(count);
            out.append(body);
            body.reset();
            schemas.reset();
            count = 0;
            index = 0;
            return out.toBytes();
        }
    }

    static List<TargetChange> read(ByteReader in, Token upTo, RowSchemaCodec codec) {
        BlockSchemas.Reader schemas = new BlockSchemas.Reader(codec);
        int count = in.length();
        List<TargetChange> changes = new ArrayList<>(count);
        Token token = new Token(upTo.generation(), upTo.changesOffset(), 0);
        for (int i = 0; i < count; i++) {
            long step = in.number();
            if (step != 0) {
                int index = Math.toIntExact(token.index() + step);
                token = new Token(upTo.generation(), upTo.changesOffset(), index);
            }
            int head = in.one();
            Row row = Row.read(in, schemas.read(in, head));
            changes.add(
                    switch (head & KIND) {
                        case UPSERT -> new TargetChange.Upsert(token, row);
                        case DELETE -> new TargetChange.Delete(token, row);
                        case REJECTED ->
                                new TargetChange.Rejected(
                                        token,
                                        BlockCodec.table(in),
                                        in.length(),
                                        in.string(),
                                        in.one() == 1
                                                ? Optional.of(
                                                        Row.read(in, schemas.read(in, in.one())))
                                                : Optional.empty(),
                                        row);
                        default ->
                                throw new IllegalArgumentException(
                                        "unknown kind of target change: " + (head & KIND));
                    });
        }
        return changes;
    }
}
