package dev.millrace.console;

import dev.millrace.cli.text.Figures;
import dev.millrace.console.Switchover.Gates;
import dev.millrace.console.Switchover.Step;
import dev.millrace.ending.Ending;
import dev.millrace.ending.Ending.Kind;
import dev.millrace.ending.MigrationEnd;
import dev.millrace.ending.MigrationEnd.EndRequest;
import dev.millrace.replication.RefusedException;
import dev.millrace.switchover.Operation.State;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The values of the page that ends a migration: what would be removed, or what is.
///
/// @param verb `complete` or `abort`
/// @param running whether the end goes on
/// @param outcome what was reached, or why it waits; may be empty
/// @param steps of the end that was begun; empty before
/// @param gates and what would be removed; `null` when the end was begun
public record EndDetails(
        String verb, boolean running, String outcome, List<Step> steps, @Nullable Gates gates) {

    /// A dry run.
    ///
    /// @throws RefusedException if there is no such end
    static EndDetails preview(MigrationEnd end, String verb, Instant now) {
        Kind kind =
                Arrays.stream(Kind.values())
                        .filter(each -> each.id().equals(verb))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new RefusedException(
                                                "Unknown end of a migration. Use 'complete' or"
                                                        + " 'abort'"));
        return new EndDetails(verb, false, "", List.of(), gates(end, kind, now));
    }

    private static Gates gates(MigrationEnd end, Kind kind, Instant now) {
        String at = Figures.second(now.toString());
        try {
            Ending judged =
                    end.end(
                            new EndRequest(
                                    kind,
                                    true,
                                    Set.of(),
                                    "",
                                    Optional.empty(),
                                    Optional.empty(),
                                    Optional.empty(),
                                    Optional.empty()));
            return new Gates(at, "", judged.gates(), Switchover.steps(judged.steps(), now));
        } catch (RefusedException e) {
            return new Gates(at, e.getMessage() + ".", List.of(), List.of());
        }
    }

    /// @throws RefusedException if no end has this id
    static EndDetails of(Optional<Ending> found, Instant now) {
        Ending ending =
                found.orElseThrow(
                        () ->
                                new RefusedException(
                                        "No end of the migration has this id. See the page"
                                                + " Switchover"));
        return new EndDetails(
                ending.kind().id(),
                ending.state() == State.RUNNING,
                ending.outcome() == null ? "" : ending.outcome(),
                Switchover.steps(ending.steps(), now),
                null);
    }

    /// What the end means.
    public String meaning() {
        return verb.equals(Kind.COMPLETE.id())
                ? "The application stays on the target. Afterwards there is no way back."
                : "The application stays on the source. Rows that are on the target stay there.";
    }

    /// The text of the button.
    public String action() {
        return verb.equals(Kind.COMPLETE.id()) ? "Complete the migration" : "Abort the migration";
    }
}
