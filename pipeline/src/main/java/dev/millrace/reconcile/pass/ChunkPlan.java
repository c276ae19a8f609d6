package dev.millrace.reconcile.pass;

import dev.millrace.digest.Chunker.TargetSession;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.KeyRange;
import dev.millrace.digest.SourceSnapshot;
import dev.millrace.reconcile.ReconcileContext;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits.Chunks;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// Divides a large table into chunks. Stateless.
///
/// The bounds come from a sample of the target. They decide only how large the chunks are: the
/// first and the last range have no end, so that each key of either side is in exactly one range.
record ChunkPlan(ReconcileContext with, ComparedTable table) {

    /// More chunks would only make the plan large.
    private static final int MOST_CHUNKS = 20_000;

    private static final int PAGE_BYTES = 8_192;
    private static final int SAMPLED_PAGES = 8;
    private static final int SAMPLED_ROWS = 50;

    /// So many scans of the source at most are no reason for a plan without an index.
    private static final int FEW_CHUNKS = 2;

    /// Whether a table is large, and ranges of its key can be the same on both sides. Reads
    /// nothing.
    static boolean isFor(Chunks chunks, ComparedTable table) {
        return table.bytes() > chunks.tableBytes() && table.hasRanges();
    }

    /// The chunks of an interrupted pass, or new ones, which are stored.
    ///
    /// @return empty if the collations of the key differ, so that its ranges would have other keys
    ///   on each side, if the source has a row with a NULL in its key, which is in no chunk, or if
    ///   it would scan its table for each chunk, for example because the SELECT casts the key
    Optional<List<PassProgress.Chunk>> of(PassProgress progress) {
        if (!hasOneOrder() || hasNullKey()) {
            return Optional.empty();
        }
        List<PassProgress.Chunk> known = progress.chunks(table);
        if (!known.isEmpty()) {
            return Optional.of(known);
        }
        List<KeyRange> ranges = ranges();
        if (!areIndexed(ranges)) {
            return Optional.empty();
        }
        List<PassProgress.Chunk> chunks =
                IntStream.range(0, ranges.size())
                        .mapToObj(
                                number ->
                                        new PassProgress.Chunk(
                                                number, ranges.get(number), Optional.empty()))
                        .toList();
        progress.planned(table, chunks);
        return Optional.of(chunks);
    }

    private boolean hasOneOrder() {
        Optional<String> order;
        try (SourceSnapshot source = with.chunker().openSource(table)) {
            order = source.keyOrder();
        }
        try (TargetSession target = with.chunker().openTarget()) {
            return order.isPresent() && order.equals(target.table(table).keyOrder());
        }
    }

    private boolean hasNullKey() {
        try (SourceSnapshot source = with.chunker().openSource(table)) {
            return source.hasNullKey();
        }
    }

    private boolean areIndexed(List<KeyRange> ranges) {
        if (ranges.size() <= FEW_CHUNKS) {
            return true;
        }
        try (SourceSnapshot source = with.chunker().openSource(table)) {
            return source.within(ranges.get(ranges.size() / 2)).isIndexed();
        }
    }

    private List<KeyRange> ranges() {
        Chunks chunks = with.limits().chunks();
        long parts =
                Math.clamp(
                        Math.max(
                                Math.ceilDiv(table.estimatedRows(), chunks.rows()),
                                Math.ceilDiv(table.bytes(), chunks.bytes())),
                        1,
                        MOST_CHUNKS);
        double ofPages = 100.0 * parts * SAMPLED_PAGES * PAGE_BYTES / Math.max(1, table.bytes());
        // Without statistics, the pages alone decide.
        double ofRows =
                table.estimatedRows() == 0
                        ? 0
                        : 100.0 * parts * SAMPLED_ROWS / table.estimatedRows();
        double percent = Math.min(100, Math.max(ofPages, ofRows));
        try (TargetSession target = with.chunker().openTarget()) {
            return KeyRange.ALL.split(target.table(table).sampledBounds((int) parts, percent));
        }
    }
}
