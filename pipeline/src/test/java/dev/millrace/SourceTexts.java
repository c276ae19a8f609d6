package dev.millrace;

import com.sun.source.tree.AnnotationTree;
import com.sun.source.tree.BinaryTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ExpressionTree;
import com.sun.source.tree.IdentifierTree;
import com.sun.source.tree.LiteralTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodInvocationTree;
import com.sun.source.tree.ParenthesizedTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreeScanner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/// Collects the texts for users from Java sources: string literals and text blocks of two or more
/// words. A concatenation is one text, with `{}` for each part that is not a literal. SQL, regular
/// expressions, HTTP header values and style sheets are left out. Sources are only parsed.
///
/// @param byType texts by package, then by top-level type, both sorted
record SourceTexts(SortedMap<String, SortedMap<String, SortedSet<String>>> byType) {

    private static final Pattern PHRASE =
            Pattern.compile(
                    "(?<![\\w.:/-])[A-Za-z][a-z'’-]+[,:;]?\\s+(\\S+\\s+)*?[A-Za-z][a-z'’-]*\\b");

    /// A text that begins with one of these keywords is SQL, unless prose follows.
    private static final Pattern SQL =
            Pattern.compile(
                    "^[\\s(),]*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|SET|RESET|COPY|"
                            + "BEGIN|COMMIT|ROLLBACK|LOCK|SHOW|GRANT|EXPLAIN|FROM|WHERE|AND|OR|JOIN|"
                            + "LEFT|ORDER|GROUP|UNION|VALUES|RETURNING|LIMIT|ON CONFLICT|CASE|WHEN|"
                            + "THEN|ELSE|END|TRUNCATE|START|DECLARE|FETCH|COMMENT|ANALYZE|DO|AS|NOT|"
                            + "CROSS|USING|HAVING|COLLATE|LOCALE_PROVIDER)\\b");

    private static final Pattern SQL_PART =
            Pattern.compile(
                    "pg_catalog\\.|::\\w+|= ?\\?|\\bWHERE \\w+\\.| FROM pg_|\\) (AS|OVER) |"
                            + "hash_record|\\boid\\b.*=|<> ''| COLLATE \"");

    private static final Pattern NO_PROSE =
            Pattern.compile(
                    "default-src|max-age=|charset=|text/html|application/|-----|\\{[a-z-]+:|"
                            // a login module's settings, shell scripts, lists of names or keywords
                            + " required username=|exec \"\\$@|^trap '|; do kill|"
                            + "^[a-z_]+(, [a-z_]+)+$|^([a-z_]+ ){15,}[a-z_]+$|^[a-z_]+ = '");

    private static final Set<String> PATTERN_METHODS =
            Set.of("compile", "matches", "replaceAll", "replaceFirst", "split");

    static SourceTexts of(List<Path> folders) {
        JavaCompiler compiler = compiler();
        try (StandardJavaFileManager files =
                compiler.getStandardFileManager(null, Locale.ROOT, StandardCharsets.UTF_8)) {
            return parsed(
                    compiler,
                    files.getJavaFileObjectsFromPaths(
                            folders.stream().flatMap(SourceTexts::sources).toList()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static SourceTexts of(String source) {
        JavaFileObject file =
                new SimpleJavaFileObject(
                        URI.create("string:///Sample.java"), JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return source;
                    }
                };
        return parsed(compiler(), List.of(file));
    }

    Stream<String> all() {
        return byType.values().stream()
                .flatMap(types -> types.values().stream())
                .flatMap(SortedSet::stream);
    }

    List<String> lines() {
        return byType.entrySet().stream()
                .flatMap(
                        entry ->
                                Stream.concat(
                                        Stream.of("", "## " + entry.getKey()),
                                        lines(entry.getValue())))
                .toList();
    }

    private static Stream<String> lines(Map<String, SortedSet<String>> types) {
        return types.entrySet().stream()
                .flatMap(
                        entry ->
                                Stream.concat(
                                        Stream.of("", "### " + entry.getKey()),
                                        entry.getValue().stream()));
    }

    private static JavaCompiler compiler() {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler == null) {
            throw new IllegalStateException("This Java has no compiler. Run the tests with a JDK.");
        }
        return compiler;
    }

    private static SourceTexts parsed(
            JavaCompiler compiler, Iterable<? extends JavaFileObject> files) {
        JavacTask task =
                (JavacTask) compiler.getTask(null, null, null, List.of("-proc:none"), null, files);
        SortedMap<String, SortedMap<String, SortedSet<String>>> byType = new TreeMap<>();
        try {
            for (CompilationUnitTree unit : task.parse()) {
                SortedSet<String> texts = new TreeSet<>();
                new Collector(texts).scan(unit, null);
                if (!texts.isEmpty()) {
                    byType.computeIfAbsent(
                                    String.valueOf(unit.getPackageName()), _ -> new TreeMap<>())
                            .put(typeName(unit), texts);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new SourceTexts(byType);
    }

    private static String typeName(CompilationUnitTree unit) {
        String file = Path.of(unit.getSourceFile().toUri().getPath()).getFileName().toString();
        return file.substring(0, file.length() - ".java".length());
    }

    private static Stream<Path> sources(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files
                    .filter(file -> file.toString().endsWith(".java"))
                    .sorted()
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// @return whether the text is for a reader and not for a server, a browser or a parser
    private static boolean isProse(String text) {
        String plain = text.replace("{}", " ").replaceAll("%[-,\\d.]*[a-z]", " ");
        return PHRASE.matcher(plain).find()
                && !SQL.matcher(plain).find()
                && !SQL_PART.matcher(text).find()
                && !NO_PROSE.matcher(text).find();
    }

    private static final class Collector extends TreeScanner<Void, Void> {

        private final Set<String> texts;

        Collector(Set<String> texts) {
            this.texts = texts;
        }

        @Override
        public Void visitLiteral(LiteralTree literal, Void unused) {
            if (literal.getValue() instanceof String text) {
                add(text);
            }
            return null;
        }

        @Override
        public Void visitBinary(BinaryTree binary, Void unused) {
            StringBuilder folded = new StringBuilder();
            if (binary.getKind() == Tree.Kind.PLUS && fold(binary, folded)) {
                add(folded.toString());
                return null;
            }
            return super.visitBinary(binary, null);
        }

        /// Appends the parts in order and scans those that are not literals.
        ///
        /// @return whether one part is a string literal
        private boolean fold(ExpressionTree part, StringBuilder folded) {
            return switch (part) {
                case BinaryTree sum when sum.getKind() == Tree.Kind.PLUS ->
                        fold(sum.getLeftOperand(), folded) | fold(sum.getRightOperand(), folded);
                case LiteralTree literal when literal.getValue() instanceof String text -> {
                    folded.append(text);
                    yield true;
                }
                default -> {
                    folded.append("{}");
                    scan(part, null);
                    yield false;
                }
            };
        }

        @Override
        public Void visitMethodInvocation(MethodInvocationTree call, Void unused) {
            if (PATTERN_METHODS.contains(name(call.getMethodSelect()))) {
                scan(call.getMethodSelect(), null);
                call.getArguments().stream().skip(1).forEach(argument -> scan(argument, null));
                return null;
            }
            return super.visitMethodInvocation(call, null);
        }

        @Override
        public Void visitAnnotation(AnnotationTree annotation, Void unused) {
            return name(annotation.getAnnotationType()).equals("SuppressWarnings")
                    ? null
                    : super.visitAnnotation(annotation, null);
        }

        private static String name(Tree tree) {
            return switch (tree) {
                case MemberSelectTree member -> member.getIdentifier().toString();
                case IdentifierTree identifier -> identifier.getName().toString();
                case ParenthesizedTree inner -> name(inner.getExpression());
                default -> "";
            };
        }

        private void add(String text) {
            String oneLine =
                    text.replaceAll("</?[a-zA-Z][^>]*(>|$)", " ").replaceAll("\\s+", " ").strip();
            if (isProse(oneLine)) {
                texts.add(oneLine);
            }
        }
    }
}
