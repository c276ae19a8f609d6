package dev.millrace.spec;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;

/// From text to YAML's own tree, or to the one problem that stops the reading.
final class SyntaxTree {

    /// Deeper than any file of ours; the composer is recursive and would exhaust the stack.
    private static final int DEEPEST = 32;

    private static final String QUOTE_IT =
            "if a value holds ' #' or ': ' or begins with one of * & ! % @ `, quote it or write it"
                    + " as a block with |";

    private static final LoadSettings SETTINGS = LoadSettings.builder().build();

    private SyntaxTree() {}

    static @Nullable Node read(SourceText source, Problems problems) {
        try {
            Optional<Position> tooDeep = tooDeep(source);
            if (tooDeep.isPresent()) {
                problems.add(tooDeep.get(), "", "nested more than " + DEEPEST + " levels deep", "");
                return null;
            }
            Optional<Node> root = new Compose(SETTINGS).composeString(source.text());
            if (root.isEmpty()) {
                problems.add(source.at(0), "", "the file is empty", "start with 'migration: name'");
            }
            return root.orElse(null);
        } catch (MarkedYamlEngineException e) {
            problems.add(
                    source.at(e.getProblemMark().or(e::getContextMark)), "", reason(e), QUOTE_IT);
        } catch (ReaderException e) {
            problems.add(
                    source.at(e.getPosition()),
                    "",
                    "a character that YAML doesn't allow: U+"
                            + String.format("%04X", e.getCodePoint()),
                    "save the file as UTF-8 text");
        } catch (YamlEngineException _) {
            problems.add(source.at(0), "", "the file can't be read as YAML", QUOTE_IT);
        }
        return null;
    }

    private static Optional<Position> tooDeep(SourceText source) {
        int depth = 0;
        for (Event event : new Parse(SETTINGS).parseString(source.text())) {
            if (event instanceof CollectionStartEvent && ++depth > DEEPEST) {
                return Optional.of(source.at(event.getStartMark()));
            }
            if (event instanceof CollectionEndEvent) {
                depth--;
            }
        }
        return Optional.empty();
    }

    /// The engine's own words, without what it may quote of the file: an alias may be a password
    /// that begins with `*`.
    private static String reason(MarkedYamlEngineException e) {
        String problem = e.getProblem();
        if (problem == null || problem.contains("alias")) {
            return "an alias (*…) that names no anchor";
        }
        if (problem.contains("tag")) {
            return "a tag (!…) that can't be read";
        }
        if (problem.contains("anchor")) {
            return "an anchor (&…) that can't be read";
        }
        return problem;
    }
}
