package dev.millrace.bench.report;

import dev.millrace.bench.contestant.Product;
import dev.millrace.bench.report.Report.Spread;
import java.util.Locale;
import java.util.Map;

/// Draws plots as SVG. The text has no fixed colour scheme beyond dark on white. Stateless.
final class SvgChart {

    private static final int WIDTH = 720;
    private static final int LABELS = 150;
    private static final int VALUES = 150;
    private static final int BAR = 22;
    private static final int GAP = 12;
    private static final int TOP = 48;
    private static final int PLOT = 240;
    private static final String OWN = "#1f6f8b";
    private static final String PEER = "#9aa5ab";

    private SvgChart() {}

    /// One horizontal bar per name, as long as its median, with a line from the least to the
    /// greatest value.
    static String bars(String title, Map<String, Spread> bars) {
        int height = TOP + bars.size() * (BAR + GAP) + GAP;
        StringBuilder svg = new StringBuilder(head(title, height));
        double most = bars.values().stream().mapToDouble(Spread::most).max().orElse(0);
        double scale = most > 0 ? (WIDTH - LABELS - VALUES) / most : 0;
        int y = TOP;
        for (Map.Entry<String, Spread> bar : bars.entrySet()) {
            Spread spread = bar.getValue();
            int middle = y + BAR / 2;
            svg.append(text(LABELS - 8, middle, "end", bar.getKey()));
            svg.append(
                    format(
                            "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>%n",
                            LABELS,
                            y,
                            spread.median() * scale,
                            BAR,
                            bar.getKey().equals(Product.NAME) ? OWN : PEER));
            svg.append(
                    line(
                            LABELS + spread.least() * scale,
                            middle,
                            LABELS + spread.most() * scale,
                            middle,
                            2));
            svg.append(
                    text(
                            (int) (LABELS + spread.most() * scale) + 8,
                            middle,
                            "start",
                            MarkdownReport.number(spread.median())));
            y += BAR + GAP;
        }
        return svg.append("</svg>\n").toString();
    }

    /// A curve over values that are evenly spaced, with a line from the least to the greatest value
    /// at each. The vertical axis begins at zero.
    static String curve(String title, Map<Long, Spread> points) {
        int height = TOP + PLOT + 2 * BAR;
        StringBuilder svg = new StringBuilder(head(title, height));
        double most = points.values().stream().mapToDouble(Spread::most).max().orElse(0);
        double scale = most > 0 ? PLOT / most : 0;
        int bottom = TOP + PLOT;
        svg.append(line(LABELS / 2.0, bottom, WIDTH - LABELS / 2.0, bottom, 1));
        double step = (WIDTH - 2.0 * LABELS) / Math.max(1, points.size() - 1);
        double x = LABELS;
        StringBuilder path = new StringBuilder();
        for (Map.Entry<Long, Spread> point : points.entrySet()) {
            Spread spread = point.getValue();
            double y = bottom - spread.median() * scale;
            path.append(format("%.1f,%.1f ", x, y));
            svg.append(
                    line(x, bottom - spread.least() * scale, x, bottom - spread.most() * scale, 2));
            svg.append(
                    text(
                            (int) x,
                            bottom + BAR,
                            "middle",
                            String.format(Locale.ROOT, "%,d", point.getKey())));
            svg.append(
                    text(
                            (int) x + 8,
                            (int) y - 8,
                            "start",
                            MarkdownReport.number(spread.median())));
            x += step;
        }
        svg.append(
                format(
                        "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\""
                                + " stroke-width=\"2\"/>%n",
                        path.toString().strip(), OWN));
        return svg.append("</svg>\n").toString();
    }

    private static String line(double x1, double y1, double x2, double y2, int width) {
        return format(
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#222\""
                        + " stroke-width=\"%d\"/>%n",
                x1, y1, x2, y2, width);
    }

    private static String head(String title, int height) {
        return format(
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%1$d\" height=\"%2$d\""
                                + " viewBox=\"0 0 %1$d %2$d\" font-family=\"sans-serif\""
                                + " font-size=\"13\">%n<rect width=\"%1$d\" height=\"%2$d\""
                                + " fill=\"#fff\"/>%n",
                        WIDTH, height)
                + text(12, TOP / 2, "start", title);
    }

    private static String text(int x, int y, String anchor, String text) {
        return format(
                "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" dominant-baseline=\"middle\""
                        + " fill=\"#222\">%s</text>%n",
                x, y, anchor, escaped(text));
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern.replace("%n", "\n"), values);
    }
}
