import java.io.StringWriter;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;

/**
 * Renders a mapping template of API Gateway with Apache Velocity, the language that it is written in, with those of the
 * gateway's variables that our templates use.
 *
 * <pre>Render TEMPLATE BODY REQUEST_ID REQUEST_TIME OUTPUT HEADERS</pre>
 *
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
 */
public class Render {
  public record Input(String body) {
    public String json(String path) {
      if (!path.equals("$")) {
        throw new IllegalArgumentException("path " + path);
      }
      return body;
    }
  }

  public static class Util {
    public String urlEncode(String text) {
      return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
  }

  public static void main(String[] args) throws Exception {
    Map<String, Object> header = new HashMap<>();
    Map<String, Object> gateway = new HashMap<>();
    gateway.put("requestId", args[2]);
    gateway.put("requestTime", args[3]);
    gateway.put("responseOverride", new HashMap<>(Map.of("header", header)));
    VelocityContext context = new VelocityContext();
    context.put("input", new Input(Files.readString(Path.of(args[1]))));
    context.put("util", new Util());
    context.put("context", gateway);
    StringWriter out = new StringWriter();
    VelocityEngine engine = new VelocityEngine();
    engine.init();
    if (!engine.evaluate(context, out, "template", Files.readString(Path.of(args[0])))) {
      throw new IllegalStateException("not rendered");
    }
    Files.writeString(Path.of(args[4]), out.toString());
    Files.writeString(Path.of(args[5]), String.valueOf(header.getOrDefault("Location", "")));
  }
}
