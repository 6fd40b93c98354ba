// What generation needs besides the model's own forward pass, in relational algebra. All tables
// are keyed by the stream, or by rows that belong to one: several streams share each pass.
// The tables of the model, @batch, @context, @visibility and @logits, are declared by its module.

builtin.module {
  // The token chosen to follow a position of a stream.
  rel.table output @sampled : <[stream: ?, position: ?], token: i32>
  // How the tokens of a stream are chosen.
  rel.table state @sampling : <[stream: ?], temperature: f64, top_k: i32, top_p: f64>
  // For each stream, the states of a Lehmer generator, one after the other (Park and Miller 1988;
  // Park, Miller and Stockmeyer 1993 for the multiplier).
  rel.table state @random : <[stream: ?, draw: ?], state: i64>

  // Put a token at a position of a stream, as row p.
  func.func @append_token() {
    %one = rel.range k to 1
    %row = rel.project %one [p = ?p] {token = ?token, position = ?position, stream = ?stream, emit = ?emit}
    rel.insert %row into @batch
    func.return
  }

  // The rows of the batch become context for attention.
  func.func @commit_context() {
    %batch = rel.scan @batch : !rel.relation<[p: ?], stream: i32, position: i32>
    %rows = rel.project %batch [c = p] {stream, position}
    rel.insert %rows into @context
    func.return
  }

  // A stream reads itself without end.
  func.func @open_stream() {
    %one = rel.range k to 1
    %row = rel.project %one [stream = ?stream, source = ?stream] {until = 2147483647}
    rel.insert %row into @visibility
    func.return
  }

  // Say how the tokens of a stream are chosen, and start its generator anew.
  func.func @sample_by() {
    %one = rel.range k to 1
    %stream = rel.project %one [stream = ?stream] {}
    rel.delete %stream from @sampling
    rel.delete %stream from @random
    %choice = rel.project %one [stream = ?stream] {temperature = ?temperature float, top_k = ?top_k, top_p = ?top_p float}
    rel.insert %choice into @sampling
    %seed = rel.project %one [stream = ?stream, draw = 0] {state = ?state}
    rel.insert %seed into @random
    func.return
  }

  // The most likely token, the first of equals, after the last row of each stream in the batch.
  func.func @greedy() {
    %logits = rel.scan @logits : !rel.relation<sparse [p: ?, t: ?], v: f64>
    %highest = rel.aggregate %logits by [p] {top = max(v)}
    %both = rel.join %logits, %highest on [p]
    %best = rel.select %both where eq(v, top)
    %token = rel.aggregate %best by [p] {token = min(t)}
    %batch = rel.scan @batch : !rel.relation<[p: ?], stream: i32, position: i32>
    %of_stream = rel.project %batch [p, stream] {position}
    %last = rel.aggregate %of_stream by [stream] {p = max(p), position = max(position)}
    %sampling = rel.scan @sampling : !rel.relation<[stream: ?], temperature: f64>
    %chosen_by = rel.join %last, %sampling on [stream]
    %greedy = rel.select %chosen_by where eq(temperature, 0.0)
    %place = rel.project %greedy [p, stream, position] {}
    %placed = rel.join %token, %place on [p]
    %sampled = rel.project %placed [stream, position] {token}
    rel.insert %sampled into @sampled
    func.return
  }

  // The next state of the generator of each stream in the batch that draws.
  func.func @draw() {
    %batch = rel.scan @batch : !rel.relation<[p: ?], stream: i32>
    %of_stream = rel.project %batch [p, stream] {}
    %last = rel.aggregate %of_stream by [stream] {p = max(p)}
    %sampling = rel.scan @sampling : !rel.relation<[stream: ?], temperature: f64>
    %chosen_by = rel.join %last, %sampling on [stream]
    %drawing = rel.select %chosen_by where gt(temperature, 0.0)
    %streams = rel.project %drawing [stream] {}
    %states = rel.scan @random : !rel.relation<[stream: ?, draw: ?], state: i64>
    %newest = rel.aggregate %states by [stream] {draw = max(draw)}
    %key = rel.project %newest [stream, draw] {}
    %state = rel.join %states, %key, %streams on [stream, draw]
    %next = rel.project %state [stream, draw = add(draw, 1)] {state = mod(mul(state, 48271), 2147483647)}
    rel.insert %next into @random
    func.return
  }

  // Temperature, then the top k, then the fewest tokens that hold a share of at least p, then the
  // first token at which their accumulated share passes a random number.
  func.func @sample() {
    %batch = rel.scan @batch : !rel.relation<[p: ?], stream: i32, position: i32>
    %of_stream = rel.project %batch [p, stream] {position}
    %last = rel.aggregate %of_stream by [stream] {p = max(p), position = max(position)}
    %sampling = rel.scan @sampling : !rel.relation<[stream: ?], temperature: f64, top_k: i32, top_p: f64>
    %chosen_by = rel.join %last, %sampling on [stream]
    %drawing = rel.select %chosen_by where gt(temperature, 0.0)
    %states = rel.scan @random : !rel.relation<[stream: ?, draw: ?], state: i64>
    %newest = rel.aggregate %states by [stream] {draw = max(draw)}
    %key = rel.project %newest [stream, draw] {}
    %state = rel.join %states, %key on [stream, draw]
    %number = rel.aggregate %state by [stream] {state = max(state)}
    %drawn_by = rel.join %drawing, %number on [stream]
    %choice = rel.project %drawn_by [p] {stream, position, temperature, top_k, top_p, u = div(to_float(state), 2147483647.0)}
    %logits = rel.scan @logits : !rel.relation<sparse [p: ?, t: ?], v: f64>
    %highest = rel.aggregate %logits by [p] {top = max(v)}
    %scale = rel.join %highest, %choice on [p]
    %both = rel.join %logits, %scale on [p]
    %odds = rel.project %both [p, t] {e = exp(div(sub(v, top), temperature)), top_k}
    %ranked = rel.window %odds per [p] by [desc e, t] {rank = row_number(), mass = running_sum(e)}
    %top_k = rel.select %ranked where le(rank, top_k)
    %total = rel.aggregate %top_k by [p] {total = sum(e)}
    %limit = rel.project %choice [p] {stream, position, top_p, u}
    %share = rel.join %total, %limit on [p]
    %shares = rel.join %top_k, %share on [p]
    %top_p = rel.select %shares where lt(sub(mass, e), mul(total, top_p))
    %kept = rel.aggregate %top_p by [p] {kept = max(mass)}
    %drawn = rel.join %top_p, %kept on [p]
    %passed = rel.select %drawn where ge(mass, mul(u, kept))
    %first = rel.window %passed per [p] by [rank] {choice = row_number()}
    %chosen = rel.select %first where eq(choice, 1)
    %sampled = rel.project %chosen [stream, position] {token = t}
    rel.insert %sampled into @sampled
    func.return
  }
}
