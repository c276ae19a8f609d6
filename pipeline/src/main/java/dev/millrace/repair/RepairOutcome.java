package dev.millrace.repair;

import dev.millrace.control.repair.RepairStore.StoredRepair;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.util.List;

/// What a repair has reached, in words and as a verdict about the keys that differed. Pure.
///
/// @param verdict `different` if a key is known to differ, `undecided` if something is not known,
///   else `equal`
record RepairOutcome(String verdict, String text) {

    static final String UNDECIDED = Verdict.UNDECIDED.word();

    /// @param undecided written keys of which it is not known whether they are equal
    static RepairOutcome of(StoredRepair done, List<Repair.Table> tables, long undecided) {
        long keys = tables.stream().mapToLong(Repair.Table::keys).sum();
        long differing = tables.stream().mapToLong(Repair.Table::differing).sum();
        boolean dryRun = done.asked().dryRun();
        StringBuilder text = new StringBuilder(found(dryRun, keys, tables));
        if (keys > 0 && !dryRun) {
            text.append(result(differing, undecided));
        }
        if (done.unreadable() > 0) {
            text.append(
                    ". Rows whose key the source's types do not allow remain: %d. Delete them on the target if nothing else has written them"
                            .formatted(done.unreadable()));
        }
        if (done.leftOut() > 0) {
            text.append(
                    ". Rows that differ and are left out, by --only, --limit or the most that one repair takes: %d"
                            .formatted(done.leftOut()));
        }
        done.uncompared().ifPresent(what -> text.append(". Not wholly compared: ").append(what));
        return new RepairOutcome(
                verdict(done, dryRun ? keys : differing, undecided).word(), text.toString());
    }

    private static Verdict verdict(StoredRepair done, long differing, long undecided) {
        if (differing + done.leftOut() > 0) {
            return Verdict.DIFFERENT;
        }
        return undecided > 0 || done.uncompared().isPresent() ? Verdict.UNDECIDED : Verdict.EQUAL;
    }

    private static String found(boolean dryRun, long keys, List<Repair.Table> tables) {
        if (keys == 0) {
            return "No row was found that needs this repair";
        }
        String actions =
                "%d to insert, %d to update, %d to delete"
                        .formatted(
                                tables.stream().mapToLong(Repair.Table::insert).sum(),
                                tables.stream().mapToLong(Repair.Table::update).sum(),
                                tables.stream().mapToLong(Repair.Table::delete).sum());
        return (dryRun
                        ? "Rows that would be repaired: %d (%s)"
                        : "Rows that were read again and sent through the log: %d (%s)")
                .formatted(keys, actions);
    }

    private static String result(long differing, long undecided) {
        if (differing == 0 && undecided == 0) {
            return ". All of them are equal now. 'millrace reconcile' proves whole tables";
        }
        return ". Still different: %d. Not decided: %d. Run 'millrace reconcile' to see why"
                .formatted(differing, undecided);
    }
}
