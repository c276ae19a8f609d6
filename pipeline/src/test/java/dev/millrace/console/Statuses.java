package dev.millrace.console;

import dev.millrace.flow.FlowReport;
import dev.millrace.migration.StatusReport;
import dev.millrace.migration.StatusReport.Counts;
import dev.millrace.migration.StatusReport.Lag;
import dev.millrace.migration.StatusReport.Part;
import java.util.List;
import java.util.stream.Stream;

/// Statuses with only what a test needs.
final class Statuses {

    private static final FlowReport.Backfill BACKFILL =
            new FlowReport.Backfill(false, null, null, null, null, null, null);

    private static final FlowReport.Apply APPLY =
            new FlowReport.Apply(false, false, null, null, null, null, null, null);

    private static final FlowReport.Wal WAL = new FlowReport.Wal(null, null, null, null, null);

    private Statuses() {}

    static StatusReport of(String phase, String... parts) {
        return of(
                phase,
                new Counts(0, 0, 0),
                new Lag(null, null, null, null),
                Stream.of(parts).map(name -> new Part(name, "running", true, null)).toList(),
                List.of());
    }

    static StatusReport of(
            String phase, Counts counts, Lag lag, List<Part> parts, List<String> blockers) {
        return new StatusReport(
                "shop", phase, null, 1, lag, List.of(), parts, counts, null, blockers, List.of(),
                List.of(), null, BACKFILL, null, null, null, null, null, APPLY, List.of(), WAL);
    }
}
