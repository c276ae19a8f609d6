package dev.millrace.migration;

import dev.millrace.change.TableId;
import dev.millrace.flow.FlowControl;
import dev.millrace.lag.Eta;
import dev.millrace.replication.LiveStream;
import dev.millrace.stream.BackfillProgress;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/// Estimates when the backfill and the catch-up are done. Knows nothing while an operator has
/// paused them. Thread-safe.
final class EtaMeter {

    private final List<TableId> sources;
    private final Map<TableId, Long> estimates;
    private final FlowControl flow;
    private final InstantSource clock;
    private final Eta backfill = new Eta();

    /// @param estimates rows of the source tables by the source's statistics; a table without
    ///   statistics is absent
    EtaMeter(
            List<TableId> sources,
            Map<TableId, Long> estimates,
            FlowControl flow,
            InstantSource clock) {
        this.sources = List.copyOf(sources);
        this.estimates = Map.copyOf(estimates);
        this.flow = flow;
        this.clock = clock;
    }

    /// Called several times a second, so that the rate of the backfill is known.
    void observe(LiveStream running) {
        OptionalLong remaining =
                running.stream().backfill().map(this::unread).orElse(OptionalLong.empty());
        if (remaining.isEmpty() || flow.pace().isPaused()) {
            backfill.reset();
        } else {
            backfill.sample(clock.instant(), remaining.getAsLong());
        }
        if (flow.gate().isClosed()) {
            running.lag().catchUp().reset();
        }
    }

    /// Rows that are not read yet. Empty if a table has no estimate, or more rows than estimated.
    private OptionalLong unread(BackfillProgress progress) {
        long all = 0;
        for (TableId source : sources) {
            BackfillProgress.Table table = progress.table(source);
            Long estimated = estimates.get(source);
            if (!table.complete()) {
                if (estimated == null || estimated <= table.rows()) {
                    return OptionalLong.empty();
                }
                all += estimated - table.rows();
            }
        }
        return OptionalLong.of(all);
    }

    StatusReport.Eta eta(Phase phase, LiveStream running, Instant now) {
        boolean isRead =
                running.stream().backfill().filter(BackfillProgress::isComplete).isPresent();
        return new StatusReport.Eta(
                isRead ? (Double) 0.0 : StatusReport.seconds(backfill.remaining(now)),
                switch (phase) {
                    case Phase.InSync _ -> (Double) 0.0;
                    case Phase.CatchingUp _ ->
                            StatusReport.seconds(running.lag().catchUp().remaining(now));
                    case Phase.Planned _,
                            Phase.Backfilling _,
                            Phase.SwitchingOver _,
                            Phase.Reversible _,
                            Phase.Unresolved _,
                            Phase.Failed _ ->
                            null;
                });
    }
}
