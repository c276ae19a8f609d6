package dev.millrace.bench;

import dev.millrace.bench.contestant.Contestant.Size;
import dev.millrace.bench.contestant.Narration;
import dev.millrace.bench.contestant.Product;
import dev.millrace.bench.report.Growth;
import dev.millrace.bench.report.MarkdownReport;
import dev.millrace.bench.report.Sample;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Measures the backfill of Millrace as the work grows. Stateless.
final class GrowthMeasure {

    private GrowthMeasure() {}

    /// Measures Millrace at each step of the axis, in turn.
    static Growth measure(
            Growth.Axis axis, Product product, BenchPlan plan, Stage stage, Narration said)
            throws IOException, SQLException {
        long unit = Math.max(1, plan.load().rows() / 2);
        Map<Long, List<Sample>> runs = new LinkedHashMap<>();
        for (int run = 1; run <= plan.runs(); run++) {
            for (long step : axis.steps()) {
                long rows = axis == Growth.Axis.ROWS ? step * unit : unit;
                int tables = axis == Growth.Axis.TABLES ? (int) Math.min(step, rows) : 1;
                int partitions =
                        axis == Growth.Axis.PARTITIONS ? (int) step : Size.DEFAULT_PARTITIONS;
                long value = axis == Growth.Axis.ROWS ? rows : step;
                stage.createSource(rows, tables);
                Sample sample =
                        stage.play(
                                Measure.BACKFILL, product, run, rows, new Size(tables, partitions));
                stage.dropSource();
                runs.computeIfAbsent(value, _ -> new ArrayList<>()).add(sample);
                said.say(
                        String.format(
                                Locale.ROOT,
                                "%,d %s %d/%d: %s",
                                value,
                                axis,
                                run,
                                plan.runs(),
                                MarkdownReport.line(sample)));
            }
        }
        return new Growth(axis, runs);
    }
}
