package dev.millrace.migration;

import dev.millrace.backfill.pace.Pace;
import dev.millrace.control.PaceStore;
import dev.millrace.control.PaceStore.Setting;
import dev.millrace.lifecycle.Fault;
import dev.millrace.migration.BackfillChange.Action;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.stream.BackfillProgress;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The operator's hand on the backfill: stored in the control schema first, then in force, so that
/// a restart never forgets a pause that was confirmed. One [Pace] serves every generation of this
/// process. Thread-safe.
final class BackfillFlow {

    private static final Logger LOG = LoggerFactory.getLogger(BackfillFlow.class);

    private final Backfill backfill;
    private final PaceStore store;
    private final BooleanSupplier owner;
    private final String service;
    private final InstantSource clock;
    private final Pace pace;
    private volatile Setting setting;

    private BackfillFlow(
            Backfill backfill,
            PaceStore store,
            BooleanSupplier owner,
            String service,
            InstantSource clock)
            throws SQLException {
        this.backfill = backfill;
        this.store = store;
        this.owner = owner;
        this.service = service;
        this.clock = clock;
        this.pace = new Pace(clock);
        // The engine takes no setting; a stored one waits for the windows.
        this.setting = backfill == Backfill.WINDOWS ? store.read() : Setting.NONE;
        enforce();
    }

    /// Continues with what was set before the restart.
    ///
    /// @param owner whether this process has the migration's lock at this moment
    /// @param service who the journal names if a client gives no name
    static BackfillFlow resume(
            ReplicationStream stream, BooleanSupplier owner, String service, InstantSource clock)
            throws SQLException {
        return new BackfillFlow(
                stream.settings().backfill(),
                new PaceStore(stream.control(), stream.id()),
                owner,
                service,
                clock);
    }

    private Optional<String> impossible(Action action) {
        return switch (backfill) {
            case WINDOWS -> Optional.empty();
            case ENGINE ->
                    Optional.of(
                            "'%s' is not possible with 'backfill: engine', which reads all existing rows in one transaction. Wait until the backfill is complete; for the next migration choose 'backfill: windows', which can be paused and throttled"
                                    .formatted(action.kind()));
        };
    }

    Pace pace() {
        return pace;
    }

    /// What is set; empty if the engine reads the rows.
    Optional<StatusReport.Flow> status() {
        return switch (backfill) {
            case WINDOWS -> Optional.of(report(setting));
            case ENGINE -> Optional.empty();
        };
    }

    /// Why the migration cannot be in sync; empty when nothing is left to read.
    Optional<String> blocker(Optional<BackfillProgress> progress) {
        return isUnread(progress) ? setting.pause().map(BackfillFlow::blocker) : Optional.empty();
    }

    private static String blocker(PaceStore.Pause pause) {
        return "the backfill is paused by "
                + pause.who()
                + " since "
                + pause.since().truncatedTo(ChronoUnit.SECONDS)
                + (pause.reason().isEmpty() ? "" : ": " + pause.reason())
                + ". Run 'millrace resume backfill' to continue";
    }

    /// The commands that are legal now.
    List<String> actions(Optional<BackfillProgress> progress) {
        if (setting.pause().isPresent()) {
            return List.of("resume backfill", "throttle");
        }
        return backfill == Backfill.WINDOWS && isUnread(progress)
                ? List.of("pause backfill", "throttle")
                : List.of();
    }

    private static boolean isUnread(Optional<BackfillProgress> progress) {
        return progress.filter(read -> read.isComplete() && read.incompleteKeys() == 0).isEmpty();
    }

    /// @throws RefusedException when the change is not possible now; it is not in force then
    synchronized BackfillChange.Outcome change(BackfillChange change, Phase phase) {
        refuseIf(impossible(change.action()));
        RefusedException.ifWrongPhase(phase.name(), change.expectedPhase());
        String who = change.who().map(name -> name + " (unverified)").orElse(service);
        Setting next = next(change, who);
        BackfillChange.Outcome outcome =
                new BackfillChange.Outcome(text(change.action()), report(next));
        if (!change.dryRun()) {
            refuseIf(
                    owner.getAsBoolean()
                            ? Optional.empty()
                            : Optional.of(
                                    "This process does not have the migration's lock at this moment. Run 'millrace status' to see why, and run the command again when the target answers"));
            save(next, change, who, phase);
            setting = next;
            enforce();
        }
        return outcome;
    }

    private static void refuseIf(Optional<String> reason) {
        reason.ifPresent(
                refused -> {
                    throw new RefusedException(refused);
                });
    }

    private Setting next(BackfillChange change, String who) {
        return switch (change.action()) {
            case Action.Pause _ ->
                    new Setting(
                            Optional.of(new PaceStore.Pause(change.reason(), who, clock.instant())),
                            setting.rowsPerSecond());
            case Action.Resume _ -> new Setting(Optional.empty(), setting.rowsPerSecond());
            case Action.Throttle(OptionalLong rows) -> new Setting(setting.pause(), rows);
        };
    }

    private static String text(Action action) {
        return switch (action) {
            case Action.Pause _ -> "The backfill is paused. The stream of changes continues";
            case Action.Resume _ -> "The backfill continues";
            case Action.Throttle(OptionalLong rows) ->
                    rows.isPresent()
                            ? "The backfill reads at most " + rows.getAsLong() + " rows per second"
                            : "The backfill reads without a limit";
        };
    }

    private void save(Setting next, BackfillChange change, String who, Phase phase) {
        String kind = change.action().kind();
        try {
            store.save(
                    next,
                    new PaceStore.Note(
                            who, phase.name(), kind, text(change.action()), change.reason()));
        } catch (SQLException e) {
            LOG.atWarn()
                    .addKeyValue("change", kind)
                    .setCause(Fault.of(e))
                    .log("a change of the backfill could not be stored");
            throw new RefusedException(
                    "The target did not confirm that the change is stored, so it is not in force; a restart may apply it. Run the command again when the target answers");
        }
        LOG.atInfo()
                .addKeyValue("change", kind)
                .addKeyValue("who", who)
                .addKeyValue("reason", change.reason())
                .log("the operator changed the backfill");
    }

    private void enforce() {
        pace.throttle(setting.rowsPerSecond());
        if (setting.pause().isPresent()) {
            pace.pause();
        } else {
            pace.resume();
        }
    }

    private static StatusReport.Flow report(Setting setting) {
        Optional<PaceStore.Pause> pause = setting.pause();
        return new StatusReport.Flow(
                pause.isPresent(),
                setting.rowsPerSecond().isPresent() ? setting.rowsPerSecond().getAsLong() : null,
                pause.map(PaceStore.Pause::reason).filter(why -> !why.isEmpty()).orElse(null),
                pause.map(PaceStore.Pause::who).orElse(null),
                pause.map(PaceStore.Pause::since).orElse(null));
    }
}
