package dev.millrace.spec.text;

import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/// Finds the position in the file of each character of a YAML scalar, by walking the value and the
/// file together: YAML folds and strips blanks; every other character is in the file as it is or
/// escaped. Not thread-safe; used for one scalar.
public final class ScalarPositions {

    private final SourceText source;
    private final ScalarStyle style;
    private int at;

    private ScalarPositions(SourceText source, ScalarNode node) {
        this.source = source;
        this.style = node.getScalarStyle();
        this.at = node.getStartMark().map(Mark::getIndex).orElse(0);
        skipAnchorsAndTags();
        switch (style) {
            case LITERAL, FOLDED -> skipHeader();
            case SINGLE_QUOTED, DOUBLE_QUOTED, JSON_SCALAR_STYLE -> at++;
            case PLAIN -> {}
        }
    }

    /// @return the index in the file of each `char` of the node's value, and of its end
    public static int[] of(SourceText source, ScalarNode node) {
        return new ScalarPositions(source, node).walk(node.getValue());
    }

    private int[] walk(String value) {
        int[] positions = new int[value.length() + 1];
        int i = 0;
        while (i < value.length()) {
            int c = value.codePointAt(i);
            boolean blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
            if (!blank) {
                skipBlanks();
            }
            int width = Character.charCount(c);
            for (int j = 0; j < width; j++) {
                positions[i + j] = at;
            }
            step(c, blank);
            i += width;
        }
        positions[value.length()] = at;
        return positions;
    }

    private void step(int c, boolean blank) {
        if (style == ScalarStyle.DOUBLE_QUOTED && source.codePoint(at) == '\\') {
            at += escapeLength();
        } else if (style == ScalarStyle.SINGLE_QUOTED && c == '\'') {
            at += 2;
        } else if (blank ? source.isBlank(at) : source.codePoint(at) == c) {
            at++;
        }
    }

    private void skipBlanks() {
        while (source.isBlank(at) || continuesLine()) {
            at++;
        }
    }

    private boolean continuesLine() {
        return style == ScalarStyle.DOUBLE_QUOTED
                && source.codePoint(at) == '\\'
                && (source.codePoint(at + 1) == '\n' || source.codePoint(at + 1) == '\r');
    }

    private int escapeLength() {
        return switch (source.codePoint(at + 1)) {
            case 'x' -> 4;
            case 'u' -> 6;
            case 'U' -> 10;
            default -> 2;
        };
    }

    private void skipAnchorsAndTags() {
        while (source.codePoint(at) == '&' || source.codePoint(at) == '!') {
            while (at < source.length() && !source.isBlank(at)) {
                at++;
            }
            skipBlanks();
        }
    }

    private void skipHeader() {
        while (at < source.length() && source.codePoint(at) != '\n') {
            at++;
        }
        at++;
    }
}
