package dev.millrace.migration;

import dev.millrace.apply.ApplierCounters.ApplierCounts;
import dev.millrace.apply.ApplierState;
import dev.millrace.capture.CaptureState;
import dev.millrace.capture.SourceCapture;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.TableId;
import dev.millrace.control.StoppedTables.StoppedTable;
import dev.millrace.lag.PeriodicProbe;
import dev.millrace.lifecycle.Failure;
import dev.millrace.mapping.Mapping;
import dev.millrace.mappings.RowApplication;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Puts together what an operator is told. Reads what is in memory, so it answers while a server is
/// away.
final class StatusBoard {

    /// An event that is not confirmed by Kafka for this long is worth a look.
    private static final Duration UNCONFIRMED = Duration.ofSeconds(6);

    private final MigrationSetup setup;
    private final Map<TableId, Long> estimates;

    /// @param estimates rows of the source tables by the source's statistics; absent where it has
    ///   none
    StatusBoard(MigrationSetup setup, Map<TableId, Long> estimates) {
        this.setup = setup;
        this.estimates = estimates;
    }

    StatusReport report(
            Phase phase,
            Instant since,
            int generation,
            List<StatusReport.Part> moving,
            Parts parts,
            LagMonitor watches,
            Optional<StatusReport.LastReconciliation> last) {
        Instant now = setup.clock().instant();
        List<StatusReport.Table> tables = tables(parts.capture(), watches);
        ApplierCounts counts = parts.applier().counts();
        return new StatusReport(
                setup.migration(),
                phase.name(),
                since,
                generation,
                lag(watches, now),
                tables,
                moving,
                new StatusReport.Counts(
                        parts.capture().events(),
                        counts.rows().values().stream().mapToLong(Long::longValue).sum(),
                        counts.batches()),
                last.orElse(null),
                blockers(phase, moving, tables),
                actions(phase),
                watches.later());
    }

    /// Every part that moves, and the servers as they are seen.
    ///
    /// @param hindered what keeps the conductor from its next step
    List<StatusReport.Part> parts(
            Parts parts, LagMonitor watches, List<StatusReport.Part> hindered) {
        Instant now = setup.clock().instant();
        List<StatusReport.Part> all = new ArrayList<>();
        all.add(capture(parts.capture(), watches, now));
        all.add(mappings(parts.mappings().state()));
        all.add(applier(parts.applier().state()));
        all.add(server("source", watches.sourceTrouble()));
        all.add(server("target", watches.targetTrouble()));
        all.add(server("kafka", watches.kafkaTrouble()));
        all.addAll(hindered);
        return List.copyOf(all);
    }

    static StatusReport.Part capture(SourceCapture capture, LagMonitor watches, Instant now) {
        return switch (capture.state()) {
            case CaptureState.Starting(Optional<String> waitsFor, Instant since) ->
                    new StatusReport.Part("capture", starting(waitsFor), false, since);
            case CaptureState.Snapshotting(Instant since) ->
                    new StatusReport.Part(
                            "capture", "reading the rows that were there", true, since);
            case CaptureState.Streaming(Instant since) -> streaming(capture, watches, since, now);
            case CaptureState.Waiting(Failure.Recoverable failure, Instant since) ->
                    new StatusReport.Part("capture", failure.text(), false, since);
            case CaptureState.SnapshotInterrupted(String reason, Instant since) ->
                    new StatusReport.Part(
                            "capture",
                            "the snapshot was interrupted, a new generation begins: " + reason,
                            false,
                            since);
            case CaptureState.SourceLost(String reason, Instant since) ->
                    new StatusReport.Part(
                            "capture", "re-backfill required: " + reason, false, since);
            case CaptureState.Failed(String reason, Instant since) ->
                    new StatusReport.Part("capture", "failed: " + reason, false, since);
            case CaptureState.Stopped(Instant since) ->
                    new StatusReport.Part("capture", "stopped", false, since);
        };
    }

    private static String starting(Optional<String> waitsFor) {
        return waitsFor.map(
                        found ->
                                "starting: the source waits for "
                                        + found
                                        + ". End them, or wait until they end")
                .orElse("starting");
    }

    private static StatusReport.Part streaming(
            SourceCapture capture, LagMonitor watches, Instant since, Instant now) {
        Instant committed = capture.committedAt();
        boolean silent =
                watches.sourceTrouble().isEmpty()
                        && committed != null
                        && Duration.between(committed, now).compareTo(UNCONFIRMED) > 0;
        return silent
                ? new StatusReport.Part(
                        "capture",
                        "nothing was confirmed by Kafka since " + committed,
                        false,
                        committed)
                : new StatusReport.Part("capture", "streaming", true, since);
    }

    private static StatusReport.Part mappings(RowApplication.State state) {
        return switch (state) {
            case RowApplication.State.Starting(Instant since) ->
                    new StatusReport.Part("mappings", "starting", false, since);
            case RowApplication.State.Running(Instant since) ->
                    new StatusReport.Part("mappings", "running", true, since);
            case RowApplication.State.Waiting(Failure.Recoverable failure, Instant since) ->
                    new StatusReport.Part("mappings", failure.text(), false, since);
            case RowApplication.State.Failed(String reason, Instant since) ->
                    new StatusReport.Part("mappings", "failed: " + reason, false, since);
            case RowApplication.State.Stopped(Instant since) ->
                    new StatusReport.Part("mappings", "stopped", false, since);
        };
    }

    private static StatusReport.Part applier(ApplierState state) {
        return switch (state) {
            case ApplierState.Applying() ->
                    new StatusReport.Part("applier", "applying", true, null);
            case ApplierState.Waiting(Failure.Recoverable failure, Instant since) ->
                    new StatusReport.Part("applier", failure.text(), false, since);
            case ApplierState.Failed(String reason) ->
                    new StatusReport.Part("applier", "failed: " + reason, false, null);
            case ApplierState.Closed() -> new StatusReport.Part("applier", "stopped", false, null);
        };
    }

    private static StatusReport.Part server(String name, Optional<PeriodicProbe.Trouble> trouble) {
        return trouble.map(
                        matter ->
                                new StatusReport.Part(
                                        name, away(matter.failure()), false, matter.since()))
                .orElseGet(() -> new StatusReport.Part(name, "answers", true, null));
    }

    private static String away(Failure.Recoverable failure) {
        return switch (failure) {
            case Failure.Retry(String reason) -> "away: " + reason;
            case Failure.OperatorNeeded needed -> needed.text();
        };
    }

    private static StatusReport.Lag lag(LagMonitor watches, Instant now) {
        return new StatusReport.Lag(
                watches.backlog().sourceBytes(now).orElse(null),
                watches.backlog().records(now).orElse(null),
                watches.freshness().age(now).map(age -> age.toMillis() / 1000.0).orElse(null));
    }

    private List<StatusReport.Table> tables(SourceCapture capture, LagMonitor watches) {
        SourcePosition position = capture.position();
        List<StatusReport.Table> tables = new ArrayList<>();
        for (Mapping mapping : setup.mappings()) {
            String stopped = stopped(watches.stopped(), mapping.target().table());
            tables.add(
                    new StatusReport.Table(
                            mapping.target().table().toString(),
                            List.of(mapping.source().toString()),
                            new StatusReport.Backfill(
                                    position == null
                                            ? 0
                                            : position.rowsRead()
                                                    .getOrDefault(mapping.source(), 0L),
                                    estimates.get(mapping.source()),
                                    position != null && position.streaming()),
                            watches.rejected(mapping.target().table()),
                            stopped));
        }
        return tables;
    }

    private static @Nullable String stopped(List<StoppedTable> stopped, TableId target) {
        return stopped.stream()
                .filter(table -> table.table().equals(target))
                .map(StoppedTable::reason)
                .findFirst()
                .orElse(null);
    }

    private static List<String> blockers(
            Phase phase, List<StatusReport.Part> parts, List<StatusReport.Table> tables) {
        List<String> blockers = new ArrayList<>();
        if (phase instanceof Phase.Failed(String cause, Phase _)) {
            blockers.add("the migration failed: " + cause);
        }
        parts.stream()
                .filter(part -> !part.well())
                .forEach(part -> blockers.add(part.name() + " " + part.state()));
        tables.stream()
                .filter(table -> table.stopped() != null)
                .forEach(
                        table ->
                                blockers.add(
                                        "table "
                                                + table.target()
                                                + " is stopped: "
                                                + table.stopped()));
        return blockers;
    }

    private static List<String> actions(Phase phase) {
        return switch (phase) {
            case Phase.InSync _, Phase.CatchingUp _ -> List.of("reconcile", "log");
            case Phase.Planned _, Phase.Backfilling _, Phase.Failed _ -> List.of("log");
        };
    }
}
