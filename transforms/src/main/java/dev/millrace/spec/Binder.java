package dev.millrace.spec;

import dev.millrace.problem.NearestName;
import dev.millrace.problem.Position;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.setting.Setting;
import dev.millrace.spec.setting.Setting.AtMostOne;
import dev.millrace.spec.setting.Setting.ExactlyOne;
import dev.millrace.spec.setting.Setting.NotYetSupported;
import dev.millrace.spec.setting.Setting.ShortForm;
import dev.millrace.spec.setting.SettingCollector;
import dev.millrace.spec.text.ScalarPositions;
import dev.millrace.spec.text.SourceText;
import dev.millrace.spec.text.Substitution;
import dev.millrace.sql.SelectText;
import java.lang.reflect.Constructor;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/// Binds the YAML tree to the records of [SpecForm]: a record's components are the keys that a
/// mapping accepts. A value that cannot be bound is reported and left out, so that one run finds
/// all problems. Not thread-safe; used for one file.
final class Binder {

    private static final Set<Tag> PLAIN_TAGS =
            Set.of(Tag.STR, Tag.INT, Tag.FLOAT, Tag.BOOL, Tag.ENV_TAG);

    private final SourceText source;
    private final Substitution substitution;
    private final Problems problems;

    Binder(SourceText source, Substitution substitution, Problems problems) {
        this.source = source;
        this.substitution = substitution;
        this.problems = problems;
    }

    <T extends Record> @Nullable T bind(Class<T> form, Node root) {
        return form.cast(
                record(form, root, "", "a mapping with migration, source, target, tables"));
    }

    private @Nullable Object value(Type type, Node node, String path, String kind) {
        if (isNull(node)) {
            problems.add(at(node), path, "has no value", "set a value or remove the key");
            return null;
        }
        if (type == Scalar.class) {
            return scalar(node, path, kind);
        }
        if (type instanceof ParameterizedType generic && generic.getRawType() == List.class) {
            return list(generic.getActualTypeArguments()[0], node, path, kind);
        }
        if (type instanceof ParameterizedType generic && generic.getRawType() == Map.class) {
            return map(generic.getActualTypeArguments()[1], node, path, kind);
        }
        return record(((Class<?>) type).asSubclass(Record.class), node, path, kind);
    }

    private @Nullable Record record(
            Class<? extends Record> form, Node node, String path, String kind) {
        ShortForm shortForm = form.getAnnotation(ShortForm.class);
        if (shortForm != null && node instanceof ScalarNode) {
            Map<String, @Nullable Object> one = new HashMap<>();
            one.put(shortForm.value(), scalar(node, path, kind));
            return create(form, one);
        }
        NotYetSupported later = form.getAnnotation(NotYetSupported.class);
        if (node instanceof SequenceNode && later != null && !later.list().isEmpty()) {
            problems.add(at(node), path, later.list() + " is not yet supported", "");
            return null;
        }
        if (!(node instanceof MappingNode mapping)) {
            problems.add(at(node), path, "must be " + kind, "");
            return null;
        }
        return create(form, components(form, mapping, path, later));
    }

    private Map<String, @Nullable Object> components(
            Class<? extends Record> form,
            MappingNode mapping,
            String path,
            @Nullable NotYetSupported later) {
        Map<String, RecordComponent> known = new LinkedHashMap<>();
        for (RecordComponent component : form.getRecordComponents()) {
            known.put(SettingCollector.key(component.getName(), setting(component)), component);
        }
        Map<String, @Nullable Object> values = new HashMap<>();
        Map<String, Position> seen = new HashMap<>();
        for (NodeTuple entry : mapping.getValue()) {
            Optional<String> key = literalKey(entry.getKeyNode(), path);
            if (key.isEmpty() || isRepeated(key.get(), entry.getKeyNode(), path, seen)) {
                continue;
            }
            RecordComponent component = known.get(key.get());
            if (component != null) {
                Object value =
                        value(
                                component.getGenericType(),
                                entry.getValueNode(),
                                join(path, key.get()),
                                setting(component).kind());
                if (setting(component).required() && List.of().equals(value)) {
                    problems.add(
                            at(entry.getValueNode()),
                            join(path, key.get()),
                            "is empty",
                            "it must be " + setting(component).kind());
                }
                values.put(component.getName(), value);
            } else {
                refuseKey(key.get(), entry, path, known.keySet(), later);
            }
        }
        checkTogether(form, mapping, path, known.keySet(), seen);
        known.forEach(
                (key, component) -> {
                    if (setting(component).required() && !seen.containsKey(key)) {
                        problems.add(
                                at(mapping),
                                join(path, key),
                                "is missing",
                                "it must be " + setting(component).kind());
                    }
                });
        return values;
    }

    private void checkTogether(
            Class<? extends Record> form,
            MappingNode mapping,
            String path,
            Set<String> known,
            Map<String, Position> seen) {
        AtMostOne atMostOne = form.getAnnotation(AtMostOne.class);
        boolean exactlyOne = form.isAnnotationPresent(ExactlyOne.class);
        if (exactlyOne && seen.isEmpty()) {
            problems.add(at(mapping), path, "is empty", "set one of " + String.join(", ", known));
        }
        if (atMostOne == null && !exactlyOne) {
            return;
        }
        List<String> given =
                (atMostOne == null ? known.stream() : Arrays.stream(atMostOne.value()))
                        .filter(seen::containsKey)
                        .toList();
        if (given.size() > 1) {
            String last = given.getLast();
            problems.add(
                    Objects.requireNonNull(seen.get(last)),
                    join(path, last),
                    "cannot be combined with " + given.getFirst(),
                    exactlyOne ? "make each an entry of the list" : "keep at most one of the two");
        }
    }

    private void refuseKey(
            String key,
            NodeTuple entry,
            String path,
            Set<String> known,
            @Nullable NotYetSupported later) {
        if (later != null && Arrays.asList(later.value()).contains(key)) {
            problems.add(at(entry.getKeyNode()), join(path, key), "is not yet supported", "");
            return;
        }
        String hint =
                isNull(entry.getValueNode())
                        ? "inside { } a comma ends a value; quote the value"
                        : NearestName.hint(key, known);
        problems.add(
                at(entry.getKeyNode()),
                join(path, key),
                "unknown key",
                hint.isEmpty() ? "known keys: " + String.join(", ", known) : hint);
    }

    private @Nullable Object list(Type element, Node node, String path, String kind) {
        if (!(node instanceof SequenceNode sequence)) {
            problems.add(at(node), path, "must be " + kind, "");
            return null;
        }
        String each = element == Scalar.class ? "text" : "a mapping";
        List<Object> values = new ArrayList<>();
        for (int i = 0; i < sequence.getValue().size(); i++) {
            Object value = value(element, sequence.getValue().get(i), path + "[" + i + "]", each);
            if (value != null) {
                values.add(value);
            }
        }
        return values;
    }

    private @Nullable Object map(Type valueType, Node node, String path, String kind) {
        if (!(node instanceof MappingNode mapping)) {
            problems.add(at(node), path, "must be " + kind, "");
            return null;
        }
        Map<Scalar, Object> values = new LinkedHashMap<>();
        Map<String, Position> seen = new HashMap<>();
        for (NodeTuple entry : mapping.getValue()) {
            Optional<String> literal = literalKey(entry.getKeyNode(), path);
            if (literal.isEmpty() || isRepeated(literal.get(), entry.getKeyNode(), path, seen)) {
                continue;
            }
            String inside = path + "[\"" + literal.get() + "\"]";
            Scalar key = scalar(entry.getKeyNode(), inside, "text");
            Object value = value(valueType, entry.getValueNode(), inside, "text");
            if (key != null && value != null) {
                values.put(key, value);
            }
        }
        return values;
    }

    private @Nullable Scalar scalar(Node node, String path, String kind) {
        if (!(node instanceof ScalarNode scalar)) {
            problems.add(at(node), path, "must be " + kind, "");
            return null;
        }
        if (!PLAIN_TAGS.contains(scalar.getTag())) {
            problems.add(
                    at(node), path, "has a tag (!…), which is not supported", "remove the tag");
            return null;
        }
        int[] positions = ScalarPositions.of(source, scalar);
        Substitution.Replaced replaced =
                substitution.replace(
                        scalar.getValue(),
                        (offset, reason) ->
                                problems.add(source.at(positions[offset]), path, reason, ""));
        if (replaced == null) {
            return null;
        }
        return new Scalar(
                replaced.text(),
                replaced.changed() ? scalar.getValue() : replaced.text(),
                path,
                at(node),
                scalar.isPlain() ? commentAfter(node) : "",
                replaced.variables(),
                (entry, text) -> selectText(positions, replaced, entry, text));
    }

    private SelectText selectText(
            int[] positions, Substitution.Replaced replaced, String entry, String text) {
        int[] lines = new int[text.length() + 1];
        int[] columns = new int[text.length() + 1];
        for (int i = 0; i <= text.length(); i++) {
            int position = positions[replaced.origin(i)];
            lines[i] = source.line(position);
            columns[i] = source.column(position);
        }
        return new SelectText(entry, text, source.file(), lines, columns);
    }

    private String commentAfter(Node node) {
        String rest = source.restOfLine(node.getEndMark().map(Mark::getIndex).orElse(0));
        return rest.stripLeading().startsWith("#") ? rest : "";
    }

    private Optional<String> literalKey(Node node, String path) {
        if (node instanceof ScalarNode scalar) {
            return Optional.of(scalar.getValue());
        }
        problems.add(at(node), path, "a key must be a text", "");
        return Optional.empty();
    }

    private boolean isRepeated(String key, Node node, String path, Map<String, Position> seen) {
        Position first = seen.putIfAbsent(key, at(node));
        if (first != null) {
            problems.add(
                    at(node),
                    join(path, key),
                    "is set twice; the first is in line " + first.line(),
                    "keep one of them");
        }
        return first != null;
    }

    private static boolean isNull(Node node) {
        return node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.NULL);
    }

    private Position at(Node node) {
        return source.at(node.getStartMark());
    }

    private static String join(String path, String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    private static Setting setting(RecordComponent component) {
        Setting setting = component.getAnnotation(Setting.class);
        if (setting == null) {
            throw new IllegalStateException(component + " has no description");
        }
        return setting;
    }

    private static Record create(
            Class<? extends Record> form, Map<String, @Nullable Object> values) {
        RecordComponent[] components = form.getRecordComponents();
        Class<?>[] types = new Class<?>[components.length];
        @Nullable Object[] arguments = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            types[i] = components[i].getType();
            arguments[i] = values.get(components[i].getName());
        }
        try {
            Constructor<? extends Record> constructor = form.getDeclaredConstructor(types);
            return constructor.newInstance(arguments);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(form + " can't be made from its components", e);
        }
    }
}
