package dev.millrace.cli.text;

import java.util.ArrayList;
import java.util.List;

/// Formats rows as text columns, each as wide as its widest cell. Not thread-safe.
public final class TextTable {

    private final List<List<String>> rows = new ArrayList<>();
    private final int firstNumber;
    private final int firstText;

    /// @param firstNumber index of the first right-aligned column
    public TextTable(int firstNumber, String... heads) {
        this(firstNumber, Integer.MAX_VALUE, heads);
    }

    /// @param firstNumber index of the first right-aligned column
    /// @param firstText index of the first column after it that is left-aligned
    public TextTable(int firstNumber, int firstText, String... heads) {
        this.firstNumber = firstNumber;
        this.firstText = firstText;
        rows.add(List.of(heads));
    }

    public void row(String... cells) {
        if (cells.length != rows.getFirst().size()) {
            throw new IllegalArgumentException("A row must have one cell per column.");
        }
        rows.add(List.of(cells));
    }

    public List<String> lines() {
        int[] widths = new int[rows.getFirst().size()];
        for (List<String> row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], width(row.get(i)));
            }
        }
        return rows.stream().map(row -> line(row, widths)).toList();
    }

    private String line(List<String> row, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String gap = " ".repeat(widths[i] - width(row.get(i)));
            line.append(i == 0 ? "" : "  ");
            line.append(i < firstNumber || i >= firstText ? row.get(i) + gap : gap + row.get(i));
        }
        return line.toString().stripTrailing();
    }

    private static int width(String cell) {
        return cell.codePointCount(0, cell.length());
    }
}
