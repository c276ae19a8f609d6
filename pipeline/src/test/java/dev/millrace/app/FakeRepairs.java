package dev.millrace.app;

import dev.millrace.repair.Repair;
import dev.millrace.repair.Repair.Action;
import dev.millrace.repair.Repair.Table;
import dev.millrace.repair.RepairControl;
import dev.millrace.replication.RefusedException;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.State;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/// The repairs of a fake migration: one of two keys.
record FakeRepairs(FakeMigration migration) implements RepairControl {

    private static final List<Repair.Key> KEYS =
            List.of(
                    new Repair.Key(
                            1,
                            "crm.note",
                            Action.DELETE,
                            Map.of("id", "7"),
                            List.of(),
                            true,
                            false),
                    new Repair.Key(
                            2,
                            "crm.note",
                            Action.UPDATE,
                            Map.of("id", "8"),
                            List.of("text"),
                            true,
                            true));

    @Override
    public Repair request(Repair.Request request) {
        refuse();
        migration.repairs.add(request);
        request.tables().forEach(FakeMigration::requireKnown);
        return repair(State.RUNNING, request.dryRun());
    }

    @Override
    public Repair cancel(Optional<String> who, String reason) {
        refuse();
        migration.cancelled.add(who.orElse("") + ": " + reason);
        return repair(State.RUNNING, false);
    }

    private void refuse() {
        String refusal = migration.refusal;
        if (refusal != null) {
            throw new RefusedException(refusal);
        }
    }

    @Override
    public Optional<Repair> find(UUID id) {
        return id.equals(FakeMigration.REPAIR)
                ? Optional.of(repair(migration.repairState, migration.repairState != State.DONE))
                : Optional.empty();
    }

    @Override
    public List<Repair.Summary> recent() {
        return List.of(
                new Repair.Summary(
                        FakeMigration.REPAIR,
                        State.DONE,
                        false,
                        List.of("crm.note"),
                        "alice (unverified)",
                        "a script deleted rows",
                        FakeMigration.NOON,
                        FakeMigration.NOON.plusSeconds(4),
                        "different",
                        "1 row still differs."));
    }

    @Override
    public List<Repair.Key> keys(UUID id, long after, int limit) {
        return KEYS.stream().filter(key -> key.number() > after).limit(limit).toList();
    }

    private static Repair repair(State state, boolean dryRun) {
        boolean isDone = state == State.DONE;
        return new Repair(
                FakeMigration.REPAIR,
                Repair.KIND,
                state,
                dryRun,
                List.of(),
                List.of(new Table("crm.note", 0, 1, 1, 2, 1)),
                0,
                List.of(new Operation.Step("compare", "started", null, null, "Find rows.")),
                List.of(),
                null,
                isDone ? "different" : null,
                isDone ? "as asked" : null);
    }
}
