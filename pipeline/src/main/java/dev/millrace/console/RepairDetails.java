package dev.millrace.console;

import dev.millrace.cli.text.Figures;
import dev.millrace.console.ComparedTables.RepairForm;
import dev.millrace.repair.Repair;
import dev.millrace.repair.RepairControl;
import dev.millrace.switchover.Operation.State;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The values of the page of one repair or dry run, with its first keys. Values of sensitive
/// columns are hashes.
///
/// @param running whether it goes on
/// @param outcome what was reached; empty while it goes on
/// @param more there are more tables or keys than are shown
/// @param repair of what a dry run has listed; `null` if there is nothing to repair
public record RepairDetails(
        boolean dryRun,
        boolean running,
        String verdict,
        String outcome,
        List<Switchover.Step> steps,
        List<Table> tables,
        List<Key> keys,
        boolean more,
        @Nullable RepairForm repair) {

    private static final int SHOWN = 100;

    public record Table(
            String target,
            String insert,
            String update,
            String delete,
            String written,
            String differing) {

        private static Table of(Repair.Table table) {
            return new Table(
                    table.target(),
                    Figures.count(table.insert()),
                    Figures.count(table.update()),
                    Figures.count(table.delete()),
                    Figures.count(table.written()),
                    Figures.count(table.differing()));
        }
    }

    /// @param action `insert`, `update` or `delete`
    /// @param state `listed`, `read again` or `differs`
    public record Key(String target, String key, String action, String columns, String state) {

        private static Key of(Repair.Key key) {
            return new Key(
                    key.target(),
                    key.key().entrySet().stream()
                            .map(each -> each.getKey() + " = " + each.getValue())
                            .collect(Collectors.joining(", ")),
                    key.action().id(),
                    String.join(", ", key.columns()),
                    key.differs() ? "differs" : key.written() ? "read again" : "listed");
        }
    }

    /// @return empty if no repair has this id
    static Optional<RepairDetails> of(RepairControl repairs, UUID id, Instant now) {
        return repairs.find(id).map(repair -> of(repair, repairs.keys(id, 0, SHOWN + 1), now));
    }

    private static RepairDetails of(Repair repair, List<Repair.Key> keys, Instant now) {
        boolean isListed = repair.state() == State.DRY_RUN && !repair.tables().isEmpty();
        return new RepairDetails(
                repair.dryRun(),
                repair.state() == State.RUNNING,
                repair.verdict() == null ? "" : repair.verdict(),
                repair.outcome() == null ? "" : repair.outcome(),
                Switchover.steps(repair.steps(), now),
                repair.tables().stream().limit(SHOWN).map(Table::of).toList(),
                keys.stream().limit(SHOWN).map(Key::of).toList(),
                keys.size() > SHOWN || repair.tables().size() > SHOWN,
                isListed
                        ? RepairForm.of(
                                repair.tables().stream().map(Repair.Table::target).toList(), false)
                        : null);
    }
}
