package dev.millrace.http;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.jackson.autoconfigure.JsonMapperBuilderCustomizer;
import tools.jackson.core.JacksonException.Reference;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.cfg.CoercionAction;
import tools.jackson.databind.cfg.CoercionInputShape;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.type.LogicalType;

/// Refuses bodies of requests in which a field occurs twice or has another type. What a client
/// means by the text "false", or by two values, cannot be known. Thread-safe.
public final class StrictJson implements JsonMapperBuilderCustomizer {

    private static final Pattern DUPLICATE =
            Pattern.compile("Duplicate Object property \"(.*?)\"(?:$|\\s)", Pattern.DOTALL);

    /// What is refused for each type.
    private static final Map<LogicalType, List<CoercionInputShape>> OTHER_TYPES =
            Map.of(
                    LogicalType.Textual,
                    List.of(
                            CoercionInputShape.Integer,
                            CoercionInputShape.Float,
                            CoercionInputShape.Boolean),
                    LogicalType.Boolean,
                    List.of(
                            CoercionInputShape.Integer,
                            CoercionInputShape.Float,
                            CoercionInputShape.String,
                            CoercionInputShape.EmptyString),
                    LogicalType.Integer,
                    List.of(
                            CoercionInputShape.Boolean,
                            CoercionInputShape.Float,
                            CoercionInputShape.String,
                            CoercionInputShape.EmptyString),
                    LogicalType.Float,
                    List.of(
                            CoercionInputShape.Boolean,
                            CoercionInputShape.String,
                            CoercionInputShape.EmptyString));

    @Override
    public void customize(JsonMapper.Builder builder) {
        builder.enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION);
        builder.disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT);
        OTHER_TYPES.forEach(
                (type, shapes) ->
                        builder.withCoercionConfig(
                                type,
                                config ->
                                        shapes.forEach(
                                                shape ->
                                                        config.setCoercion(
                                                                shape, CoercionAction.Fail))));
    }

    /// Says what is wrong with a body, with the name of the field.
    ///
    /// @param cause why the body could not be read
    static String problem(@Nullable Throwable cause) {
        return switch (cause) {
            case UnrecognizedPropertyException unknown ->
                    "Unknown field '" + unknown.getPropertyName() + "'.";
            case MismatchedInputException other when !other.getPath().isEmpty() ->
                    "The field '%s' must be %s."
                            .formatted(name(other.getPath()), word(other.getTargetType()));
            case InputCoercionException number when !number.getPath().isEmpty() ->
                    "The number in field '" + name(number.getPath()) + "' is out of range.";
            case StreamReadException broken when duplicate(broken).isPresent() ->
                    "The field '" + duplicate(broken).get() + "' occurs twice.";
            case null, default -> "The body is not JSON or does not have the expected form.";
        };
    }

    private static Optional<String> duplicate(StreamReadException broken) {
        Matcher found = DUPLICATE.matcher(broken.getOriginalMessage());
        return found.find() ? Optional.of(found.group(1)) : Optional.empty();
    }

    /// As in `force[0]`.
    private static String name(List<Reference> path) {
        StringBuilder name = new StringBuilder();
        for (Reference each : path) {
            if (each.getPropertyName() == null) {
                name.append('[').append(each.getIndex()).append(']');
            } else {
                name.append(name.isEmpty() ? "" : ".").append(each.getPropertyName());
            }
        }
        return name.toString();
    }

    private static String word(@Nullable Class<?> type) {
        if (type == Boolean.class) {
            return "true or false";
        }
        if (type == String.class) {
            return "a text";
        }
        if (type == Integer.class || type == Long.class) {
            return "a whole number";
        }
        if (type == Double.class) {
            return "a number";
        }
        return type != null && List.class.isAssignableFrom(type) ? "a list" : "of another type";
    }
}
