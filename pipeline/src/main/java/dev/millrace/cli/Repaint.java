package dev.millrace.cli;

import java.util.List;

/// Paints a block of lines over the one before. One thread.
final class Repaint {

    private final Terminal terminal;
    private int painted;

    Repaint(Terminal terminal) {
        this.terminal = terminal;
    }

    void show(List<String> lines) {
        StringBuilder block = new StringBuilder();
        if (painted > 0) {
            block.append("\u001b[").append(painted).append("A\u001b[J");
        }
        lines.forEach(line -> block.append(cut(line)).append('\n'));
        painted = lines.size();
        terminal.out().print(block);
        terminal.out().flush();
    }

    /// A line that wraps would be two, and the next block would not cover it. Escapes take no room.
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
