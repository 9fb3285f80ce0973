package pickle

// Names whose call gives plain data. Python 2 and 3 spell some differently.
var (
	object       = Global{"builtins", "object"}
	bytesType    = Global{"builtins", "bytes"}
	bytearray    = Global{"builtins", "bytearray"}
	encode       = Global{"_codecs", "encode"}
	reconstructs = Global{"copyreg", "_reconstructor"}
)

// known tells whether Decode itself knows what the name gives.
func (g Global) known() bool {
	switch g {
	case object, bytesType, bytearray, encode, reconstructs:
		return true
	}
	return false
}

func (d *decoder) pushGlobal(module, name string) error {
	switch module { // Python 2's names
	case "__builtin__":
		module = "builtins"
	case "copy_reg":
		module = "copyreg"
	}
	g := Global{module, name}
	if d.first == (Global{}) && !g.known() {
		d.first = g
	}
	if !g.known() && (d.allow == nil || !d.allow(g)) {
		return &ForbiddenError{Global: g, First: d.first}
	}
	if err := d.charge(64); err != nil {
		return err
	}
	return d.push(g)
}

func (d *decoder) names() (module, name string, err error) {
	m, err := d.line()
	if err != nil {
		return "", "", err
	}
	n, err := d.line()
	if err != nil {
		return "", "", err
	}
	return string(m), string(n), d.charge(len(m) + len(n))
}

func (d *decoder) globalText() error {
	module, name, err := d.names()
	if err != nil {
		return err
	}
	return d.pushGlobal(module, name)
}

func (d *decoder) stackGlobal() error {
	n, err := d.pop()
	if err != nil {
		return err
	}
	m, err := d.pop()
	if err != nil {
		return err
	}
	name, ok := n.(string)
	module, ok2 := m.(string)
	if !ok || !ok2 {
		return d.malformed("a class name that is not text")
	}
	return d.pushGlobal(module, name)
}

// popCall pops an argument tuple and the class or function below it.
func (d *decoder) popCall() (Global, Tuple, error) {
	a, err := d.pop()
	if err != nil {
		return Global{}, nil, err
	}
	f, err := d.pop()
	if err != nil {
		return Global{}, nil, err
	}
	args, ok := a.(Tuple)
	class, ok2 := f.(Global)
	if !ok || !ok2 {
		return Global{}, nil, d.malformed("a call of a %T with a %T", f, a)
	}
	return class, args, nil
}

func (d *decoder) reduce() error {
	class, args, err := d.popCall()
	if err != nil {
		return err
	}
	switch class {
	case encode, bytesType, bytearray:
		return d.pushEncoded(args)
	case reconstructs: // (class, base, state)
		if len(args) != 3 {
			return d.malformed("copyreg._reconstructor with %d arguments", len(args))
		}
		c, ok := args[0].(Global)
		if !ok {
			return d.malformed("copyreg._reconstructor of a %T", args[0])
		}
		return d.pushObject(c, nil)
	}
	return d.pushObject(class, args)
}

// pushEncoded gives the bytes that bytes(), bytearray(b) or
// _codecs.encode(text, "latin1") would: how protocols 0 to 2 hold bytes.
func (d *decoder) pushEncoded(args Tuple) error {
	if len(args) == 0 {
		return d.push([]byte{})
	}
	if b, ok := args[0].([]byte); ok && len(args) == 1 {
		return d.push(b)
	}
	text, ok := args[0].(string)
	if !ok || len(args) != 2 || (args[1] != "latin1" && args[1] != "latin-1") {
		return d.malformed("bytes made in an unknown way")
	}
	if err := d.charge(48 + len(text)); err != nil {
		return err
	}
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return d.malformed("bytes from text beyond Latin-1")
		}
		b = append(b, byte(r))
	}
	return d.push(b)
}

func (d *decoder) pushObject(class Global, args Tuple) error {
	if err := d.charge(112); err != nil {
		return err
	}
	return d.push(&Object{Class: class, Args: args})
}

func (d *decoder) newObj() error {
	class, args, err := d.popCall()
	if err != nil {
		return err
	}
	return d.pushObject(class, args)
}

// newObjEx drops the keyword arguments: no class that is read has any.
func (d *decoder) newObjEx() error {
	if _, err := d.pop(); err != nil {
		return err
	}
	return d.newObj()
}

func (d *decoder) inst() error {
	module, name, err := d.names()
	if err != nil {
		return err
	}
	args, err := d.popMark()
	if err != nil {
		return err
	}
	if err := d.pushGlobal(module, name); err != nil {
		return err
	}
	class, err := d.pop()
	if err != nil {
		return err
	}
	return d.pushObject(class.(Global), args) // pushGlobal pushed a Global
}

func (d *decoder) obj() error {
	items, err := d.popMark()
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return d.malformed("an object without a class")
	}
	class, ok := items[0].(Global)
	if !ok {
		return d.malformed("an object of a %T", items[0])
	}
	return d.pushObject(class, items[1:])
}

func (d *decoder) build() error {
	state, err := d.pop()
	if err != nil {
		return err
	}
	top, err := d.top()
	if err != nil {
		return err
	}
	o, ok := top.(*Object)
	if !ok {
		return d.malformed("state for a %T", top)
	}
	if o.Built {
		return d.malformed("state for one %s twice", o.Class)
	}
	o.State, o.Built = state, true
	if d.follow == nil {
		return nil
	}
	f, err := d.follow(o)
	if err != nil {
		return err
	}
	return d.followed(o, f)
}

// followed reads what lies behind an object's state.
func (d *decoder) followed(o *Object, f Follow) error {
	if f.Padded {
		if _, err := d.counted(1); err != nil {
			return err
		}
	}
	if f.Pickle {
		return d.inner(o)
	}
	if f.Bytes == 0 {
		return nil
	}
	if err := d.charge(48); err != nil {
		return err
	}
	b, err := d.take(uint64(f.Bytes))
	if err != nil {
		return err
	}
	o.Data = b
	return nil
}

// outer is what a pickle waits with while one inside it is read.
type outer struct {
	object *Object // whose Data the inner pickle becomes
	stack  []any
	marks  []int
	memo   []any
	follow func(*Object) (Follow, error)
}

// inner starts a pickle inside the pickle. It has a stack and a memo of its
// own, and nothing follows its objects, so that pickles nest once only.
func (d *decoder) inner(o *Object) error {
	d.outer = &outer{object: o, stack: d.stack, marks: d.marks, memo: d.memo, follow: d.follow}
	d.stack, d.marks, d.memo, d.follow = nil, nil, nil, nil
	return nil
}

// stop ends the pickle, or the one inside it.
func (d *decoder) stop() error {
	if len(d.stack) != 1 || len(d.marks) != 0 {
		return d.malformed("%d values left at the end, want 1", len(d.stack))
	}
	if d.outer == nil {
		d.done = true
		return nil
	}
	out := d.outer
	out.object.Data = d.stack[0]
	d.stack, d.marks, d.memo, d.follow, d.outer = out.stack, out.marks, out.memo, out.follow, nil
	return nil
}
