package dev.millrace.app;

import dev.millrace.reconcile.report.ReportSchema;
import java.lang.reflect.AnnotatedParameterizedType;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ValueConstants;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Writes the OpenAPI document from the code: paths, methods and parameters from the routes, bodies
/// from the records, nullability from their annotations, and descriptions from their Javadoc. Only
/// the status codes and the answers that a handler writes itself are listed here; every answer in a
/// test is compared with them. Not thread-safe.
final class ApiDocument {

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String SCHEMAS = "#/components/schemas/";
    private static final Pattern PATH_PARAMETER = Pattern.compile("\\{(\\w+)}");

    /// A handler of the service.
    ///
    /// @param verb in lower case
    record Route(String verb, String path, Method method) {

        static final Comparator<Route> ORDER =
                Comparator.comparing(Route::path).thenComparing(Route::verb);

        boolean isChange() {
            return !verb.equals("get");
        }

        Optional<Parameter> body() {
            return parameters(RequestBody.class).findFirst();
        }

        Stream<Parameter> parameters(Class<? extends java.lang.annotation.Annotation> kind) {
            return Arrays.stream(method.getParameters())
                    .filter(parameter -> parameter.isAnnotationPresent(kind));
        }
    }

    private final ObjectNode schemas = JSON.createObjectNode();
    private final Map<String, Class<?>> named = new TreeMap<>();

    /// The whole document.
    static ObjectNode of(List<Route> routes) {
        return new ApiDocument().document(routes);
    }

    private ObjectNode document(List<Route> routes) {
        ObjectNode paths = JSON.createObjectNode();
        for (Route route : routes.stream().sorted(Route.ORDER).toList()) {
            paths.withObject("/" + route.path().replace("~", "~0").replace("/", "~1"))
                    .set(route.verb(), operation(route));
        }
        addActuator(paths);
        addReport();
        addProblem();
        ObjectNode document = JSON.createObjectNode().put("openapi", "3.1.0");
        document.putObject("info")
                .put("title", "Millrace")
                .put(
                        "description",
                        "The API of a running migration. Fields may be added to answers; none is"
                                + " removed or renamed. A value that cannot be read is null, never"
                                + " zero. Every error is a problem as RFC 9457 defines it.")
                .put("version", "1")
                .putObject("license")
                .put("name", "Apache-2.0")
                .put("identifier", "Apache-2.0");
        document.putArray("servers").addObject().put("url", "http://localhost:8080");
        ArrayNode security = document.putArray("security");
        security.addObject().putArray("token");
        security.addObject();
        document.set("paths", paths);
        ObjectNode components = document.putObject("components");
        components
                .putObject("securitySchemes")
                .putObject("token")
                .put("type", "http")
                .put("scheme", "bearer")
                .put(
                        "description",
                        "Required if the service has a token (MILLRACE_TOKEN). Without one it"
                                + " answers only requests of the same machine.");
        ObjectNode sorted = components.putObject("schemas");
        Map<String, JsonNode> byName = new TreeMap<>();
        schemas.properties().forEach(each -> byName.put(each.getKey(), each.getValue()));
        byName.forEach(sorted::set);
        return document;
    }

    private ObjectNode operation(Route route) {
        ObjectNode operation = JSON.createObjectNode();
        String text = Sources.ofHandler(route);
        int sentence = text.indexOf(". ");
        operation.put("operationId", operationId(route));
        operation.put("summary", sentence < 0 ? text : text.substring(0, sentence + 1));
        if (sentence >= 0) {
            operation.put("description", text);
        }
        ArrayNode parameters = parameters(route);
        if (!parameters.isEmpty()) {
            operation.set("parameters", parameters);
        }
        route.body()
                .ifPresent(
                        body ->
                                operation
                                        .putObject("requestBody")
                                        .put("required", true)
                                        .putObject("content")
                                        .putObject("application/json")
                                        .set("schema", request(body.getType())));
        ObjectNode responses = operation.putObject("responses");
        for (int code : successes(route)) {
            success(route, responses.putObject(String.valueOf(code)), code);
        }
        problems(route).forEach((code, why) -> problem(responses, code, why));
        return operation;
    }

    /// `postReconciliations`, `getRejectedById`.
    private static String operationId(Route route) {
        StringBuilder id = new StringBuilder(route.verb());
        for (String part : route.path().substring("/api/v1/".length()).split("/")) {
            String name = part.startsWith("{") ? "by-id" : part.replace('.', '-');
            for (String word : name.split("-")) {
                id.append(word.substring(0, 1).toUpperCase(Locale.ROOT)).append(word.substring(1));
            }
        }
        return id.toString();
    }

    private ArrayNode parameters(Route route) {
        ArrayNode parameters = JSON.createArrayNode();
        Matcher names = PATH_PARAMETER.matcher(route.path());
        List<String> declared =
                route.parameters(PathVariable.class).map(Parameter::getName).toList();
        while (names.find()) {
            if (!declared.contains(names.group(1))) {
                throw new AssertionError(route + " does not take " + names.group(1));
            }
            parameter(parameters, names.group(1), "path", true)
                    .putObject("schema")
                    .put("type", "string");
        }
        route.parameters(RequestParam.class)
                .forEach(
                        each -> {
                            RequestParam given = each.getAnnotation(RequestParam.class);
                            boolean hasDefault =
                                    !given.defaultValue().equals(ValueConstants.DEFAULT_NONE);
                            ObjectNode schema =
                                    parameter(
                                                    parameters,
                                                    each.getName(),
                                                    "query",
                                                    !hasDefault && each.getType() != Optional.class)
                                            .putObject("schema");
                            schema.setAll(schema(each.getAnnotatedType()));
                            if (hasDefault) {
                                schema.put("default", Long.parseLong(given.defaultValue()));
                            }
                        });
        route.parameters(RequestHeader.class)
                .map(each -> each.getAnnotation(RequestHeader.class).name())
                // OpenAPI describes it by the content types of the answers.
                .filter(name -> !name.equals("Accept"))
                .forEach(
                        name ->
                                parameter(parameters, name, "header", false)
                                        .putObject("schema")
                                        .put("type", "string"));
        return parameters;
    }

    private static ObjectNode parameter(
            ArrayNode parameters, String name, String in, boolean required) {
        return parameters.addObject().put("name", name).put("in", in).put("required", required);
    }

    private static List<Integer> successes(Route route) {
        return switch (last(route)) {
            case "reconciliations", "repair" -> List.of(route.isChange() ? 202 : 200);
            case "switchover",
                    "rollback",
                    "resolve",
                    "rebackfill",
                    "abort",
                    "complete",
                    "approve" ->
                    List.of(200, 202);
            default -> List.of(200);
        };
    }

    private static String last(Route route) {
        return route.path().substring(route.path().lastIndexOf('/') + 1);
    }

    private static Map<Integer, String> problems(Route route) {
        Map<Integer, String> problems = new TreeMap<>();
        problems.put(401, "The token is missing or wrong.");
        problems.put(
                403,
                "The request comes from another site, names another host, or needs a higher role.");
        problems.put(429, "The address has sent too many wrong tokens.");
        if (last(route).equals("openapi.json")) {
            problems.put(406, "The client does not accept JSON.");
            return problems;
        }
        problems.put(500, "An internal error; the service's log has the incident.");
        problems.put(503, "The migration is starting or draining. Retry later.");
        boolean hasQuery = route.parameters(RequestParam.class).findAny().isPresent();
        if (hasQuery || route.body().isPresent() || route.path().contains("/operations/")) {
            problems.put(400, "The request is not valid.");
        }
        boolean namesTable =
                Stream.of("pause", "throttle").noneMatch(last(route)::equals) && namesTable(route);
        if (route.path().contains("{") || namesTable) {
            problems.put(404, "The id or the table is not known.");
        }
        if (route.isChange()
                || Stream.of("log", "rejected", "rows").anyMatch(last(route)::equals)
                || route.path().contains("/{id}")) {
            problems.put(409, "Refused in the present state of the migration.");
        }
        if (route.method().getReturnType() != void.class) {
            problems.put(406, "The client does not accept JSON.");
        }
        if (route.body().isPresent()) {
            problems.put(415, "The body is not JSON.");
        }
        return problems;
    }

    private static boolean namesTable(Route route) {
        return route.parameters(RequestParam.class).anyMatch(each -> each.getName().equals("table"))
                || route.body()
                        .filter(
                                body ->
                                        Arrays.stream(body.getType().getRecordComponents())
                                                .anyMatch(
                                                        each -> each.getName().startsWith("table")))
                        .isPresent();
    }

    private static void problem(ObjectNode responses, int code, String why) {
        ObjectNode response = responses.putObject(String.valueOf(code)).put("description", why);
        response.putObject("content")
                .putObject("application/problem+json")
                .putObject("schema")
                .put("$ref", SCHEMAS + "Problem");
    }

    private void success(Route route, ObjectNode response, int code) {
        response.put(
                "description",
                code == 202 ? "The operation has begun and goes on after the answer." : "Done.");
        ObjectNode content = response.putObject("content");
        switch (route.path()) {
            case "/api/v1/log" ->
                    content.putObject("application/x-ndjson")
                            .putObject("schema")
                            .put("type", "string")
                            .put("description", "One record of the log per line, as JSON.");
            case "/api/v1/threads" ->
                    content.putObject("text/plain").putObject("schema").put("type", "string");
            case "/api/v1/openapi.json" ->
                    json(content).put("type", "object").put("description", "OpenAPI 3.1.");
            case "/api/v1/operations/{id}" ->
                    anyOf(json(content), "Operation", "Ending", "Rebackfill", "Repair");
            case "/api/v1/reconciliations/{id}" -> {
                anyOf(json(content), "ReconciliationReport", "Reconciliation");
                if (!route.isChange()) {
                    for (String type : List.of("text/html", "text/markdown", "application/xml")) {
                        content.putObject(type).putObject("schema").put("type", "string");
                    }
                }
            }
            default -> {
                AnnotatedType answer = route.method().getAnnotatedReturnType();
                boolean wrapped =
                        route.method().getReturnType().getSimpleName().equals("ResponseEntity");
                json(content).setAll(schema(wrapped ? argument(answer, 0) : answer));
            }
        }
    }

    private static ObjectNode json(ObjectNode content) {
        return content.putObject("application/json").putObject("schema");
    }

    private static void anyOf(ObjectNode schema, String... names) {
        ArrayNode choices = schema.putArray("anyOf");
        for (String name : names) {
            choices.addObject().put("$ref", SCHEMAS + name);
        }
    }

    /// An absent field of a request means the same as null, and an unknown field is refused.
    private ObjectNode request(Class<?> body) {
        ObjectNode reference = reference(body);
        ObjectNode schema = (ObjectNode) schemas.get(name(body));
        schema.remove("required");
        schema.put("additionalProperties", false);
        return reference;
    }

    private ObjectNode schema(AnnotatedType annotated) {
        Type type = annotated.getType();
        if (type instanceof ParameterizedType parameterized) {
            Class<?> raw = (Class<?>) parameterized.getRawType();
            if (raw == Optional.class) {
                return schema(argument(annotated, 0));
            }
            if (List.class.isAssignableFrom(raw)) {
                ObjectNode list = JSON.createObjectNode().put("type", "array");
                list.set("items", nullable(argument(annotated, 0)));
                return list;
            }
            if (Map.class.isAssignableFrom(raw)) {
                ObjectNode map = JSON.createObjectNode().put("type", "object");
                map.set("additionalProperties", nullable(argument(annotated, 1)));
                return map;
            }
            throw new AssertionError("No schema for " + type);
        }
        return simple((Class<?>) type);
    }

    private static AnnotatedType argument(AnnotatedType annotated, int index) {
        return ((AnnotatedParameterizedType) annotated).getAnnotatedActualTypeArguments()[index];
    }

    private ObjectNode simple(Class<?> type) {
        ObjectNode schema = JSON.createObjectNode();
        if (type == String.class) {
            return schema.put("type", "string");
        } else if (type == UUID.class) {
            return schema.put("type", "string").put("format", "uuid");
        } else if (type == Instant.class) {
            return schema.put("type", "string").put("format", "date-time");
        } else if (type == boolean.class || type == Boolean.class) {
            return schema.put("type", "boolean");
        } else if (type == int.class || type == Integer.class) {
            return schema.put("type", "integer").put("format", "int32");
        } else if (type == long.class || type == Long.class) {
            return schema.put("type", "integer").put("format", "int64");
        } else if (type == double.class || type == Double.class) {
            return schema.put("type", "number").put("format", "double");
        } else if (type.isEnum()) {
            ArrayNode values = schema.put("type", "string").putArray("enum");
            Arrays.stream(type.getEnumConstants())
                    .forEach(value -> values.add(JSON.valueToTree(value).asString()));
            return schema;
        } else if (type == JsonNode.class) {
            return schema;
        } else if (type.isRecord()) {
            return reference(type);
        }
        throw new AssertionError("No schema for " + type);
    }

    private ObjectNode nullable(AnnotatedType annotated) {
        ObjectNode schema = schema(annotated);
        if (!annotated.isAnnotationPresent(Nullable.class)) {
            return schema;
        }
        if (schema.has("type")) {
            String type = schema.path("type").asString();
            schema.putArray("type").add(type).add("null");
            if (schema.has("enum")) {
                ((ArrayNode) schema.get("enum")).addNull();
            }
            return schema;
        }
        ObjectNode either = JSON.createObjectNode();
        either.putArray("anyOf").add(schema).addObject().put("type", "null");
        return either;
    }

    private ObjectNode reference(Class<?> type) {
        String name = name(type);
        Class<?> known = named.putIfAbsent(name, type);
        if (known == null) {
            record(name, type);
        } else if (known != type) {
            throw new AssertionError(known + " and " + type + " have the same name");
        }
        return JSON.createObjectNode().put("$ref", SCHEMAS + name);
    }

    private static String name(Class<?> type) {
        Class<?> outer = type.getDeclaringClass();
        return outer == null
                ? type.getSimpleName()
                : name(outer).replaceFirst("Api$", "") + type.getSimpleName();
    }

    private void record(String name, Class<?> type) {
        ObjectNode schema = schemas.putObject(name);
        Sources.Documented text = Sources.ofRecord(type);
        if (!text.description().isEmpty()) {
            schema.put("description", text.description());
        }
        schema.put("type", "object");
        ArrayNode required = JSON.createArrayNode();
        ObjectNode properties = schema.putObject("properties");
        for (RecordComponent component : type.getRecordComponents()) {
            ObjectNode property = nullable(component.getAnnotatedType());
            String described = text.components().get(component.getName());
            if (described != null) {
                property.put("description", described);
            }
            properties.set(component.getName(), property);
            required.add(component.getName());
        }
        schema.set("required", required);
    }

    /// The published schema of a report, with its definitions as components.
    private void addReport() {
        ObjectNode report = (ObjectNode) JSON.readTree(ReportSchema.json());
        ObjectNode definitions = (ObjectNode) report.remove("$defs");
        report.remove(List.of("$schema", "$id"));
        schemas.set("ReconciliationReport", renamed(report));
        definitions
                .properties()
                .forEach(each -> schemas.set(definition(each.getKey()), renamed(each.getValue())));
        ObjectNode state =
                schemas.putObject("Reconciliation")
                        .put("description", "A reconciliation that is not finished.")
                        .put("type", "object");
        state.putArray("required").add("id").add("state");
        ObjectNode properties = state.putObject("properties");
        properties.putObject("id").put("type", "string").put("format", "uuid");
        properties
                .putObject("state")
                .put("type", "string")
                .putArray("enum")
                .add("waiting")
                .add("running");
        for (String time : List.of("askedAt", "startedAt")) {
            properties.putObject(time).put("type", "string").put("format", "date-time");
        }
    }

    private static String definition(String name) {
        return "Report" + name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1);
    }

    private static JsonNode renamed(JsonNode schema) {
        Matcher references =
                Pattern.compile("\"#/\\$defs/(\\w+)\"").matcher(JSON.writeValueAsString(schema));
        return JSON.readTree(
                references.replaceAll(
                        each ->
                                Matcher.quoteReplacement(
                                        "\"" + SCHEMAS + definition(each.group(1)) + "\"")));
    }

    private void addProblem() {
        ObjectNode problem =
                schemas.putObject("Problem")
                        .put(
                                "description",
                                "An error as RFC 9457 defines it: what is wrong, and what to do.")
                        .put("type", "object");
        ArrayNode required = problem.putArray("required");
        ObjectNode properties = problem.putObject("properties");
        for (String text : List.of("title", "detail", "instance")) {
            required.add(text);
            properties.putObject(text).put("type", "string");
        }
        required.add("status");
        properties.putObject("status").put("type", "integer");
        properties
                .putObject("incident")
                .put("type", "string")
                .put("description", "Names the error in the service's log.");
        properties
                .putObject("state")
                .put("type", "string")
                .put("description", "Of a service or a reconciliation that cannot answer.");
        problem.put("additionalProperties", true);
    }

    private static void addActuator(ObjectNode paths) {
        Map<String, String> probes =
                new TreeMap<>(
                        Map.of(
                                "/actuator/health/liveness", "Whether the process should run on.",
                                "/actuator/health/readiness", "Whether every component runs."));
        probes.forEach(
                (path, summary) -> {
                    ObjectNode responses = actuator(paths, path, summary);
                    for (String code : List.of("200", "503")) {
                        ObjectNode schema =
                                responses
                                        .putObject(code)
                                        .put("description", code.equals("200") ? "Yes." : "No.")
                                        .putObject("content")
                                        .putObject("application/vnd.spring-boot.actuator.v3+json")
                                        .putObject("schema")
                                        .put("type", "object");
                        schema.putArray("required").add("status");
                        schema.putObject("properties").putObject("status").put("type", "string");
                    }
                });
        actuator(paths, "/actuator/prometheus", "The metrics.")
                .putObject("200")
                .put("description", "The text format of Prometheus.")
                .putObject("content")
                .putObject("text/plain")
                .putObject("schema")
                .put("type", "string");
    }

    private static ObjectNode actuator(ObjectNode paths, String path, String summary) {
        List<String> words = new ArrayList<>(List.of(path.split("/")));
        String last = words.getLast();
        return paths.putObject(path)
                .putObject("get")
                .put(
                        "operationId",
                        "get" + last.substring(0, 1).toUpperCase(Locale.ROOT) + last.substring(1))
                .put("summary", summary)
                .putObject("responses");
    }
}
