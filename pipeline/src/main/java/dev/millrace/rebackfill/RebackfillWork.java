package dev.millrace.rebackfill;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.backfill.Rereading;
import dev.millrace.backfill.Rereading.Waiting;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.ParkedKeyReader;
import dev.millrace.control.ParkedKeys;
import dev.millrace.control.ParkedKeys.ParkedKey;
import dev.millrace.control.RebackfillStore.StoredRebackfill;
import dev.millrace.control.RebackfillStore.Sweep;
import dev.millrace.lifecycle.Component;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Supervisor;
import dev.millrace.mapping.Mapping;
import dev.millrace.rebackfill.Rebackfill.Step;
import dev.millrace.replication.LiveStream;
import dev.millrace.sql.Relation;
import dev.millrace.stream.BackfillProgress;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

/// Performs the steps of re-backfills beside one running stream. Each step is journaled when it is
/// done, so a step that a kill interrupts is performed again. Confined to its supervisor's thread.
///
/// @param live the stream whose log the rows go to
record RebackfillWork(LiveStream live, Rebackfills rebackfills) implements Component {

    private static final Duration INTERVAL = Duration.ofMillis(100);

    @Override
    public void run(Supervisor supervisor) throws SQLException, InterruptedException {
        rebackfills.reload();
        supervisor.running(ComponentState.Activity.BACKFILLING);
        do {
            rebackfills.beginOfLost();
            Optional<StoredRebackfill> now = rebackfills.current();
            while (now.isPresent() && isDone(now.get(), supervisor::pause)) {
                rebackfills.reached(now.get());
                supervisor.progressed();
                now = rebackfills.current();
            }
        } while (supervisor.pause(INTERVAL));
    }

    /// @return false if the step is not done yet, and this is to be called again later
    private boolean isDone(StoredRebackfill now, Waiting waiting)
            throws SQLException, InterruptedException {
        if (live.generation().number() < now.generation()) {
            // The conductor begins the generation.
            return false;
        }
        List<TableId> sources = rebackfills.sources(now.target());
        Rereading rereading = live.stream().rereading();
        Optional<TableId> paused =
                sources.stream().filter(table -> !rereading.capture().mayRead(table)).findFirst();
        rebackfills.waitsFor(
                paused.map(
                        table ->
                                "source table "
                                        + table
                                        + ", whose definition has changed. Do what 'millrace"
                                        + " status' says of its stopped target table"));
        if (paused.isPresent()) {
            return false;
        }
        return switch (Step.of(now.step())) {
            case GENERATION -> true;
            case START ->
                    isLogRead() && rereading.awaitStart(sources, waiting, rebackfills::waitsFor);
            case SWEEP -> isLogRead() && isSwept(now, rereading, waiting);
            case BEGIN ->
                    isLogRead()
                            && (live.stream().toRead().isOfPartitions(now.id())
                                    ? rereading.readChangedPartitions(sources, waiting)
                                    : rereading.readAgain(sources, waiting));
            case READ -> isComplete(sources);
            case RETRY -> isRetried(now, waiting);
            case DONE -> throw new IllegalStateException("The operation has ended: " + now.id());
        };
    }

    /// Before, it is not known what the log contains.
    private boolean isLogRead() {
        return live.stream().backfill().isPresent();
    }

    private boolean isSwept(StoredRebackfill now, Rereading rereading, Waiting waiting)
            throws SQLException, InterruptedException {
        Sum sum = new Sum();
        for (Mapping mapping : rebackfills.mappings(now.target())) {
            if (!rereading.sweep(
                    mapping,
                    source(mapping),
                    waiting,
                    page -> {
                        sum.swept = sum.swept.plus(page);
                        rebackfills.swept(sum.swept);
                    })) {
                return false;
            }
        }
        rebackfills.swept(sum.swept);
        return true;
    }

    private static final class Sum {
        private Sweep swept = Sweep.NOTHING;
    }

    private Relation source(Mapping mapping) {
        return live.with().stream().tables().sources().stream()
                .filter(relation -> relation.id().equals(mapping.source()))
                .findFirst()
                .orElseThrow();
    }

    private boolean isComplete(List<TableId> sources) {
        Optional<BackfillProgress> progress = live.stream().backfill();
        return progress.isPresent()
                && sources.stream().allMatch(table -> progress.get().table(table).complete());
    }

    /// What the target refuses again waits for an operator.
    private boolean isRetried(StoredRebackfill now, Waiting waiting)
            throws SQLException, InterruptedException {
        WatermarkNumber read = live.stream().rereading().capture().emitWatermark();
        while (live.lag()
                .applied()
                .appliedWatermark()
                .filter(applied -> applied.compareTo(read) >= 0)
                .isEmpty()) {
            if (!waiting.await(INTERVAL)) {
                return false;
            }
        }
        Set<Long> ids = refused(now);
        if (ids.isEmpty()) {
            return true;
        }
        Future<KeyRequest.Outcome> answer = live.stream().applier().ask(new KeyRequest.Retry(ids));
        while (!answer.isDone()) {
            if (!waiting.await(INTERVAL)) {
                return false;
            }
        }
        return !answer.isCancelled();
    }

    private Set<Long> refused(StoredRebackfill now) throws SQLException {
        ReplicationStream stream = live.with().stream();
        List<TableId> tables =
                rebackfills.mappings(now.target()).stream()
                        .map(mapping -> mapping.target().table().whole())
                        .toList();
        return new ParkedKeyReader(
                        new ParkedKeys(stream.id()), stream.control(), live.generation().number())
                .open().stream()
                        .filter(key -> tables.contains(key.table().whole()))
                        .map(ParkedKey::id)
                        .collect(Collectors.toSet());
    }

    @Override
    public void stop(Thread thread) {
        thread.interrupt();
    }
}
