package dev.millrace.cli.text;

import dev.millrace.cli.Terminal;
import java.util.List;

/// Prints a block of lines over the previous block. Not thread-safe.
public final class Repaint {

    private final Terminal terminal;
    private int painted;

    public Repaint(Terminal terminal) {
        this.terminal = terminal;
    }

    public void show(List<String> lines) {
        StringBuilder block = new StringBuilder();
        if (painted > 0) {
            block.append("\u001b[").append(painted).append("A\u001b[J");
        }
        lines.forEach(line -> block.append(cut(line)).append('\n'));
        painted = lines.size();
        terminal.out().print(block);
        terminal.out().flush();
    }

    /// Cuts a line at the terminal's width. A wrapped line would take two rows, and the next block
    /// would not overwrite it. Escape sequences have no width.
    private String cut(String line) {
        int shown = 0;
        int i = 0;
        boolean colored = false;
        while (i < line.length()) {
            if (line.charAt(i) == '\u001b') {
                i = line.indexOf('m', i) + 1;
                colored = true;
            } else if (++shown > terminal.columns()) {
                return line.substring(0, i) + (colored ? "\u001b[0m" : "");
            } else {
                i++;
            }
        }
        return line;
    }
}
