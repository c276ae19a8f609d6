package dev.millrace.testing;

import dev.millrace.change.BlockCodec;
import dev.millrace.change.ChangeBlock;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.TargetBlock;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import java.util.List;

/// Records of both topics for tests.
public final class Blocks {

    private static final BlockCodec CODEC = new BlockCodec();

    private Blocks() {}

    /// A record with one event.
    ///
    /// @param total number of changes of rows in the partition, this one included
    public static byte[] record(ChangeEvent event, long total) {
        return switch (event) {
            case ChangeEvent.OfRow change -> {
                ChangeBlock.Writer writer = CODEC.changes(change.generation());
                writer.add(change);
                yield writer.take(total);
            }
            case ChangeEvent.Truncate truncate -> CODEC.encode(truncate, total);
            case ChangeEvent.BackfillComplete complete -> CODEC.encode(complete, total);
            case ChangeEvent.Watermark watermark -> CODEC.encode(watermark, total);
        };
    }

    /// A record of a target topic with one change.
    public static byte[] record(TargetChange change, long total) {
        return switch (change) {
            case TargetChange.Upsert _, TargetChange.Delete _, TargetChange.Rejected _ -> {
                TargetBlock.Writer writer = CODEC.targetChanges();
                writer.add(change);
                yield writer.take(change.token(), total);
            }
            case TargetChange.Truncate truncate -> CODEC.encode(truncate, total);
            case TargetChange.BackfillComplete complete -> CODEC.encode(complete, total);
            case TargetChange.Watermark watermark -> CODEC.encode(watermark, total);
        };
    }

    /// A record of a target topic with outputs of one changes block.
    public static byte[] record(Token upTo, long total, List<TargetChange> changes) {
        TargetBlock.Writer writer = CODEC.targetChanges();
        changes.forEach(writer::add);
        return writer.take(upTo, total);
    }

    public static List<ChangeEvent> events(byte[] record) {
        return CODEC.decodeChanges(record).events();
    }

    public static List<TargetChange> targetChanges(byte[] record) {
        return CODEC.decodeTarget(record).changes();
    }
}
