package dev.millrace.cli.text;

import dev.millrace.rollback.RollbackPrice;
import dev.millrace.rollback.RollbackPrice.LossyTable;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Renders what a rollback would cost as text for a terminal. Pure.
public final class RollbackView {

    private RollbackView() {}

    /// The lines by their label, in their order.
    public static Map<String, String> lines(RollbackPrice price) {
        Map<String, String> lines = new LinkedHashMap<>();
        lines.put("way back", wayBack(price));
        lines.put("rollback", rollback(price));
        if (!price.lossy().isEmpty()) {
            lines.put(
                    "losses",
                    price.lossy().stream()
                            .map(RollbackView::losses)
                            .collect(Collectors.joining(" · ")));
        }
        lines.put("reverse window", "ends " + second(price.windowEndsAt()));
        return lines;
    }

    private static String wayBack(RollbackPrice price) {
        return "%s changes applied since %s, WAL %s, records %s, end to end %s%s"
                .formatted(
                        Figures.count(price.rowsApplied()),
                        price.switchedAt() == null
                                ? "the switchover"
                                : Figures.second(price.switchedAt().toString()),
                        Figures.bytes(price.lag().walBytes()),
                        Figures.count(price.lag().records()),
                        Figures.seconds(price.lag().endToEndSeconds()),
                        price.lag().safeWalBytes() == null
                                ? ""
                                : ", %s of WAL until the target may invalidate its slot"
                                        .formatted(Figures.bytes(price.lag().safeWalBytes())));
    }

    private static String rollback(RollbackPrice price) {
        String pause =
                price.seconds() == null
                        ? "writes would wait for an unknown time (%s)"
                        : "writes would wait for about "
                                + Figures.seconds(price.seconds())
                                + " (%s)";
        return pause.formatted(price.basis())
                + (price.comparesAllRows()
                        ? "; before that, all rows are compared while the application writes"
                        : "");
    }

    private static String losses(LossyTable table) {
        List<String> parts = new ArrayList<>();
        if (!table.columns().isEmpty()) {
            parts.add(String.join(", ", table.columns()) + " with losses");
        }
        if (!table.absent().isEmpty()) {
            parts.add(String.join(", ", table.absent()) + " not at all");
        }
        return "%s: %s (%s changes since %s)"
                .formatted(
                        table.table(),
                        String.join(", ", parts),
                        Figures.count(table.rowsApplied()),
                        table.since() == null
                                ? "the switchover"
                                : Figures.second(table.since().toString())
                                        + "; earlier ones are not counted by table");
    }

    private static String second(@Nullable Instant at) {
        return at == null ? "unknown" : Figures.second(at.toString());
    }
}
