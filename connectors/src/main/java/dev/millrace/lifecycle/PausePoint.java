package dev.millrace.lifecycle;

import java.util.ServiceLoader;

/// A named place in the path of the data at which a test can kill, freeze or delay the process. A
/// point lies between two effects on different systems: what is durable before it must be enough to
/// continue without what comes after it.
///
/// The product has no [Door], so [#pass] does nothing; the JIT compiler removes the call. Only the
/// class path decides, once per process: nothing can open or close a door at run time. Thread-safe.
public enum PausePoint {
    /// The engine delivered a batch. Nothing of it is sent.
    CHANGES_POLLED,

    /// The changes are handed to the producer. The broker may have all, some or none of them.
    CHANGES_SENT,

    /// The broker has every change of the Kafka transaction; the position is not sent.
    CHANGES_ACKNOWLEDGED,

    /// The broker has the position too; the Kafka transaction is not committed.
    POSITION_WRITTEN,

    /// The Kafka transaction is committed; the source does not know.
    LOG_COMMITTED,

    /// A part of a transaction of the source is committed, for example the first rows of a COPY.
    INSIDE_TRANSACTION,

    /// The position is confirmed to the engine, which advances the replication slot with it.
    SLOT_CONFIRMED,

    /// The backfill has read a page range; its window is open.
    RANGE_READ,

    /// The rows of a page range wait for their place in the log.
    RANGE_HANDED_OVER,

    /// A block for the target topic is handed to the producer of the mappings.
    CHANGES_MAPPED,

    /// The output of the mappings is written; the offsets of their consumer group are not
    /// committed.
    BEFORE_GROUP_COMMIT,

    /// The offsets of the mappings' consumer group are committed.
    AFTER_GROUP_COMMIT,

    /// A transaction on the target has locked the stored offset. It has written nothing.
    TARGET_BEGUN,

    /// A transaction on the target has written the rows of a table, and not all tables yet or not
    /// the offset.
    TARGET_PARTLY_WRITTEN,

    /// A transaction on the target has written everything, and its offset.
    BEFORE_TARGET_COMMIT,

    /// A transaction with rows is committed on the target; the applier does not know.
    AFTER_TARGET_COMMIT,

    /// The migration's journal does not contain the entry yet.
    BEFORE_JOURNAL,

    /// The migration's journal contains the entry; nothing follows from it yet.
    AFTER_JOURNAL;

    /// What happens when a thread passes a point. Implementations are thread-safe and throw
    /// nothing.
    @FunctionalInterface
    public interface Door {

        void pass(PausePoint point);
    }

    private static final Door DOOR = ServiceLoader.load(Door.class).findFirst().orElse(_ -> {});

    /// Called by a thread that passes this point.
    public void pass() {
        DOOR.pass(this);
    }
}
