package dev.millrace.migration;

import dev.millrace.control.JournalStore;
import dev.millrace.migration.PhaseRule.Transition;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The phase of a migration, in memory and in the journal. The status never shows a better phase
/// than the journal: a [Transition.AfterJournal] is visible only after it is journaled, a
/// [Transition.AtOnce] before. The conductor's thread changes the phase; any thread may read it.
final class CurrentPhase {

    private static final Logger LOG = LoggerFactory.getLogger(CurrentPhase.class);

    /// The visible phase, by whether the journal contains it.
    sealed interface State {

        Phase phase();

        Instant since();

        record Journaled(Phase phase, Instant since) implements State {}

        /// The journal is written with the next transition that the target accepts.
        record Unjournaled(Phase phase, Instant since) implements State {}
    }

    private final String migration;
    private final JournalStore journal;
    private final InstantSource clock;
    private volatile State state;

    private CurrentPhase(String migration, JournalStore journal, InstantSource clock, State state) {
        this.migration = migration;
        this.journal = journal;
        this.clock = clock;
        this.state = state;
    }

    /// Continues in the phase that the journal contains, or begins the journal.
    static CurrentPhase resume(String migration, JournalStore journal, InstantSource clock)
            throws SQLException {
        Optional<JournalStore.Entry> latest = journal.latest();
        Instant now = clock.instant();
        if (latest.isEmpty()) {
            Phase planned = new Phase.Planned();
            CurrentPhase current =
                    new CurrentPhase(
                            migration, journal, clock, new State.Unjournaled(planned, now));
            current.take(new Transition.Stay(planned));
            return current;
        }
        Phase last = phase(latest.get());
        journal.event(last.name(), "start", "the service resumed the migration", "");
        CurrentPhase current =
                new CurrentPhase(
                        migration, journal, clock, new State.Journaled(last, latest.get().since()));
        Phase resumed = last.afterRestart();
        current.take(
                resumed.equals(last)
                        ? new Transition.Stay(last)
                        : new Transition.AfterJournal(resumed));
        return current;
    }

    private static Phase phase(JournalStore.Entry entry) {
        return Phase.of(
                entry.phase(),
                entry.failure().map(JournalStore.Failure::cause).orElse(""),
                entry.failure().map(JournalStore.Failure::from).orElse(""));
    }

    State state() {
        return state;
    }

    Phase phase() {
        return state.phase();
    }

    /// Makes a phase visible without the journal, which follows with the next [#take].
    void show(Phase next) {
        set(new State.Unjournaled(next, clock.instant()));
    }

    /// Takes a transition and journals whatever the journal does not contain yet.
    ///
    /// @throws SQLException when the target does not accept the entry; take a transition again
    ///   later
    void take(Transition transition) throws SQLException {
        Phase next =
                switch (transition) {
                    case Transition.Stay(Phase to) -> to;
                    case Transition.AfterJournal(Phase to) -> to;
                    case Transition.AtOnce(Phase to) -> {
                        show(to);
                        yield to;
                    }
                };
        State before = state;
        boolean isVisible = next.equals(before.phase());
        if (isVisible && before instanceof State.Journaled) {
            return;
        }
        write(next);
        set(new State.Journaled(next, isVisible ? before.since() : clock.instant()));
    }

    private void write(Phase phase) throws SQLException {
        switch (phase) {
            case Phase.Failed(String cause, Phase from) ->
                    journal.enterFailed(phase.name(), new JournalStore.Failure(cause, from.name()));
            case Phase.Planned _,
                    Phase.Backfilling _,
                    Phase.CatchingUp _,
                    Phase.InSync _,
                    Phase.SwitchingOver _,
                    Phase.Reversible _,
                    Phase.Unresolved _ ->
                    journal.enter(phase.name());
        }
    }

    private void set(State next) {
        boolean isNew = !next.phase().equals(state.phase());
        state = next;
        if (isNew) {
            LOG.atInfo()
                    .addKeyValue("migration", migration)
                    .addKeyValue("phase", next.phase().name())
                    .log("The phase changed.");
        }
    }
}
