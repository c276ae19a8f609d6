package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.mapping.Inverse;
import dev.millrace.mapping.ReverseMapping;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Remedy;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Says for each source table which columns can be computed from the target, which is what a way
/// back after the switchover depends on. Never refuses.
final class InverseCheck {

    private InverseCheck() {}

    /// One line for each table that does not come back exactly, or one for all.
    static List<Finding> judge(List<CompiledTable> tables) {
        List<Finding> inexact = new ArrayList<>();
        for (ReverseMapping mapping : mappings(tables)) {
            Columns columns = Columns.of(mapping);
            if (!columns.declared.isEmpty() || columns.loses()) {
                inexact.add(
                        Finding.note(
                                CheckName.MAPPING_INVERSE,
                                object(mapping),
                                columns.message(),
                                columns.remedy()));
            }
        }
        return inexact.isEmpty()
                ? List.of(
                        Finding.ok(
                                CheckName.MAPPING_INVERSE,
                                "source tables",
                                "every column can be computed from the target exactly"))
                : inexact;
    }

    private static List<ReverseMapping> mappings(List<CompiledTable> tables) {
        Map<TableId, List<ReverseMapping.Part>> bySource = new LinkedHashMap<>();
        for (CompiledTable table : tables) {
            if (table.mapping().isPresent()) {
                bySource.computeIfAbsent(table.source().id(), _ -> new ArrayList<>())
                        .add(
                                new ReverseMapping.Part(
                                        table.target().id(), table.isFiltered(), table.inverses()));
            }
        }
        List<ReverseMapping> mappings = new ArrayList<>();
        bySource.forEach((source, parts) -> mappings.addAll(ReverseMapping.of(source, parts)));
        return mappings;
    }

    private static String object(ReverseMapping mapping) {
        return mapping.isPart()
                ? mapping.source() + ", rows in " + mapping.targets().getFirst()
                : mapping.source().toString();
    }

    /// The columns of one way back, by how their values are computed. Not thread-safe.
    private static final class Columns {

        private final List<String> exact = new ArrayList<>();
        private final List<String> declared = new ArrayList<>();
        private final List<String> lossy = new ArrayList<>();
        private final List<String> none = new ArrayList<>();

        static Columns of(ReverseMapping mapping) {
            Columns columns = new Columns();
            mapping.columns().forEach((name, origin) -> columns.add(name, origin.inverse()));
            return columns;
        }

        private void add(String name, Inverse inverse) {
            switch (inverse) {
                case Inverse.Exact _ -> exact.add(name);
                case Inverse.Declared _ -> declared.add(name);
                case Inverse.Lossy(String _, String reason) ->
                        lossy.add(name + " (" + reason + ")");
                case Inverse.None(String reason) -> none.add(name + " (" + reason + ")");
                case Inverse.Absent() -> none.add(name + " (no target column is computed from it)");
            }
        }

        boolean loses() {
            return !lossy.isEmpty() || !none.isEmpty();
        }

        String message() {
            List<String> parts = new ArrayList<>();
            add(parts, "exactly: ", exact);
            add(parts, "by reverse, not proved: ", declared);
            add(parts, "with losses: ", lossy);
            add(parts, "not at all: ", none);
            return "columns that come back from the target: " + String.join("; ", parts);
        }

        private static void add(List<String> parts, String title, List<String> columns) {
            if (!columns.isEmpty()) {
                parts.add(title + String.join(", ", columns));
            }
        }

        Remedy remedy() {
            return Remedy.byHand(
                    loses()
                            ? "To bring the others back after a switchover, add a SELECT that supplies them"
                                    + " to reverse."
                            : "Check the SELECTs of reverse with rows of both sides.");
        }
    }
}
