package dev.millrace.spec.text;

import dev.millrace.problem.Position;
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

/// Composes the YAML tree of a text, or reports the one problem that makes it unreadable.
public final class SyntaxTree {

    /// Deeper than any valid file. The composer is recursive; deeper files would overflow the
    /// stack.
    private static final int MAX_DEPTH = 32;

    private static final String QUOTE_IT =
            "quote a value that contains ' #' or ': ' or begins with one of * & ! % @ `, or"
                    + " write it as a block with |";

    private static final LoadSettings SETTINGS = LoadSettings.builder().build();

    private SyntaxTree() {}

    /// Takes a problem of the whole file.
    @FunctionalInterface
    public interface Problems {
        void add(Position at, String message, String remedy);
    }

    /// @return null when a problem was reported
    public static @Nullable Node read(SourceText source, Problems problems) {
        try {
            Optional<Position> tooDeep = tooDeep(source);
            if (tooDeep.isPresent()) {
                problems.add(
                        tooDeep.get(),
                        "is nested more than " + MAX_DEPTH + " levels" + " deep",
                        "");
                return null;
            }
            Optional<Node> root = new Compose(SETTINGS).composeString(source.text());
            if (root.isEmpty()) {
                problems.add(source.at(0), "the file is empty", "start with 'migration: name'");
            }
            return root.orElse(null);
        } catch (MarkedYamlEngineException e) {
            problems.add(source.at(e.getProblemMark().or(e::getContextMark)), reason(e), QUOTE_IT);
        } catch (ReaderException e) {
            problems.add(
                    source.at(e.getPosition()),
                    "contains a character that YAML does not allow: U+"
                            + String.format("%04X", e.getCodePoint()),
                    "save the file as UTF-8 text");
        } catch (YamlEngineException _) {
            problems.add(source.at(0), "the file is not valid YAML", QUOTE_IT);
        }
        return null;
    }

    private static Optional<Position> tooDeep(SourceText source) {
        int depth = 0;
        for (Event event : new Parse(SETTINGS).parseString(source.text())) {
            if (event instanceof CollectionStartEvent && ++depth > MAX_DEPTH) {
                return Optional.of(source.at(event.getStartMark()));
            }
            if (event instanceof CollectionEndEvent) {
                depth--;
            }
        }
        return Optional.empty();
    }

    /// The YAML library's message, without the parts that may quote the file: an alias may be a
    /// password that begins with `*`.
    private static String reason(MarkedYamlEngineException e) {
        String problem = e.getProblem();
        if (problem == null || problem.contains("alias")) {
            return "an alias (*…) does not name an anchor";
        }
        if (problem.contains("tag")) {
            return "a tag (!…) is invalid";
        }
        if (problem.contains("anchor")) {
            return "an anchor (&…) is invalid";
        }
        return problem;
    }
}
