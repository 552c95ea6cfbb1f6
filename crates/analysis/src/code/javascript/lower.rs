//! From the parser's tree to ours. The only file that knows the parser.

use std::rc::Rc;

use oxc_allocator::Allocator;
use oxc_ast::ast;
use oxc_ast_visit::{Visit, walk};
use oxc_parser::{ParseOptions, Parser};
use oxc_span::{GetSpan as _, SourceType};
use oxc_syntax::scope::ScopeFlags;

use super::tree::{Bound, Call, Function, Item, Node, Program, Property, Step};
use crate::value::Span;

/// Reads a program; `None` where it does not parse as a script, a module, TypeScript or JSX.
pub(super) fn program(code: &str) -> Option<Program> {
    let kinds = [SourceType::ts(), SourceType::jsx(), SourceType::tsx(), SourceType::script()];
    kinds.into_iter().find_map(|kind| {
        let allocator = Allocator::default();
        let options =
            ParseOptions { allow_return_outside_function: true, ..ParseOptions::default() };
        let parsed = Parser::new(&allocator, code, kind).with_options(options).parse();
        if parsed.panicked || !parsed.diagnostics.is_empty() {
            return None;
        }
        let mut lowering = Lowering::default();
        lowering.visit_program(&parsed.program);
        Some(lowering.program)
    })
}

#[derive(Default)]
struct Lowering {
    program: Program,
    /// The functions that the walk is in, outermost first.
    inside: Vec<usize>,
    depth: usize,
}

/// Expressions within expressions that are kept; what is deeper is marked as cut off.
const MAX_DEPTH: usize = 1_000;

fn unknown() -> Rc<Node> {
    Rc::new(Node::Unknown)
}

fn text(text: impl Into<String>) -> Rc<Node> {
    Rc::new(Node::Text(text.into()))
}

fn place(span: oxc_span::Span) -> Span {
    Span::new(span.start as usize, span.end as usize)
}

impl Lowering {
    fn expression(&mut self, expression: &ast::Expression<'_>) -> Rc<Node> {
        if self.depth >= MAX_DEPTH {
            self.program.cut_off = true;
            return unknown();
        }
        self.depth += 1;
        let node = self.node(expression);
        self.depth -= 1;
        node
    }

    fn node(&mut self, expression: &ast::Expression<'_>) -> Rc<Node> {
        use ast::Expression as E;
        match expression {
            E::StringLiteral(literal) => text(literal.value.as_str()),
            E::NumericLiteral(number) => text(number.value.to_string()),
            E::BooleanLiteral(literal) => text(literal.value.to_string()),
            E::TemplateLiteral(template) => self.template(template),
            E::Identifier(name) => {
                self.program.escaping.insert(name.name.to_string());
                Rc::new(Node::Name(name.name.to_string()))
            }
            E::ThisExpression(_) => Rc::new(Node::Name("globalThis".to_owned())),
            E::ImportMeta(_) => Rc::new(Node::Name("import.meta".to_owned())),
            E::ParenthesizedExpression(inner) => self.expression(&inner.expression),
            E::AwaitExpression(inner) => self.expression(&inner.argument),
            E::TSAsExpression(inner) => self.expression(&inner.expression),
            E::TSSatisfiesExpression(inner) => self.expression(&inner.expression),
            E::TSNonNullExpression(inner) => self.expression(&inner.expression),
            E::TSTypeAssertion(inner) => self.expression(&inner.expression),
            E::TSInstantiationExpression(inner) => self.expression(&inner.expression),
            E::SequenceExpression(sequence) => {
                let nodes: Vec<_> =
                    sequence.expressions.iter().map(|item| self.expression(item)).collect();
                nodes.last().cloned().unwrap_or_else(unknown)
            }
            E::ConditionalExpression(choice) => {
                self.expression(&choice.test);
                let either =
                    vec![self.expression(&choice.consequent), self.expression(&choice.alternate)];
                Rc::new(Node::Either(either))
            }
            E::LogicalExpression(choice) => {
                let either = vec![self.expression(&choice.left), self.expression(&choice.right)];
                Rc::new(Node::Either(either))
            }
            E::BinaryExpression(operation) => {
                let both =
                    vec![self.expression(&operation.left), self.expression(&operation.right)];
                match operation.operator {
                    ast::BinaryOperator::Addition => Rc::new(Node::Concat(both)),
                    _ => unknown(),
                }
            }
            E::AssignmentExpression(assignment) => self.assignment(assignment),
            E::ArrayExpression(array) => {
                let items = array.elements.iter().map(|element| match element {
                    ast::ArrayExpressionElement::SpreadElement(spread) => {
                        Item { node: self.expression(&spread.argument), spread: true }
                    }
                    element => {
                        let node = element.as_expression().map(|item| self.expression(item));
                        Item { node: node.unwrap_or_else(unknown), spread: false }
                    }
                });
                let items = items.collect();
                Rc::new(Node::List(items))
            }
            E::ObjectExpression(object) => {
                let properties = object.properties.iter().map(|property| self.property(property));
                let properties = properties.collect();
                Rc::new(Node::Object(properties))
            }
            E::ChainExpression(chain) => match &chain.expression {
                ast::ChainElement::CallExpression(call) => self.call(call),
                ast::ChainElement::TSNonNullExpression(inner) => self.expression(&inner.expression),
                element => match element.as_member_expression() {
                    Some(member) => self.member(member),
                    None => unknown(),
                },
            },
            E::CallExpression(call) => self.call(call),
            E::NewExpression(new) => {
                let callee = self.callee(&new.callee);
                let arguments = self.arguments(&new.arguments);
                self.record_call(callee, arguments, place(new.span), false)
            }
            E::TaggedTemplateExpression(tagged) => {
                let callee = self.callee(&tagged.tag);
                let node = self.template(&tagged.quasi);
                let arguments = vec![Item { node, spread: false }];
                self.record_call(callee, arguments, place(tagged.span), true)
            }
            E::ImportExpression(import) => {
                let node = self.expression(&import.source);
                let callee = Rc::new(Node::Name("import".to_owned()));
                let arguments = vec![Item { node, spread: false }];
                self.record_call(callee, arguments, place(import.span), false)
            }
            E::FunctionExpression(function) => self.function(function),
            E::ArrowFunctionExpression(arrow) => self.arrow(arrow),
            expression => match expression.as_member_expression() {
                Some(member) => self.member(member),
                None => {
                    walk::walk_expression(self, expression);
                    unknown()
                }
            },
        }
    }

    fn template(&mut self, template: &ast::TemplateLiteral<'_>) -> Rc<Node> {
        let mut parts = Vec::new();
        let mut expressions = template.expressions.iter();
        for quasi in &template.quasis {
            let cooked = quasi.value.cooked.unwrap_or(quasi.value.raw);
            parts.push(text(cooked.as_str()));
            parts.extend(expressions.next().map(|expression| self.expression(expression)));
        }
        match parts.len() {
            1 => parts.pop().unwrap_or_else(unknown),
            _ => Rc::new(Node::Concat(parts)),
        }
    }

    fn property(&mut self, property: &ast::ObjectPropertyKind<'_>) -> Property {
        match property {
            ast::ObjectPropertyKind::ObjectProperty(property) => Property {
                key: Some(self.key(&property.key)),
                node: self.expression(&property.value),
            },
            ast::ObjectPropertyKind::SpreadProperty(spread) => {
                Property { key: None, node: self.expression(&spread.argument) }
            }
        }
    }

    fn key(&mut self, key: &ast::PropertyKey<'_>) -> Rc<Node> {
        match key.as_expression() {
            Some(computed) => self.expression(computed),
            None => key.static_name().map_or_else(unknown, |name| text(name.into_owned())),
        }
    }

    fn member(&mut self, member: &ast::MemberExpression<'_>) -> Rc<Node> {
        let object = self.callee(member.object());
        let key = match member {
            ast::MemberExpression::ComputedMemberExpression(member) => {
                self.expression(&member.expression)
            }
            ast::MemberExpression::StaticMemberExpression(member) => {
                text(member.property.name.as_str())
            }
            ast::MemberExpression::PrivateFieldExpression(member) => {
                text(format!("#{}", member.field.name))
            }
        };
        let span = place(member.span());
        self.program.steps.push(Step::Look { object: object.clone(), key: key.clone(), span });
        Rc::new(Node::Member { object, key })
    }

    fn call(&mut self, call: &ast::CallExpression<'_>) -> Rc<Node> {
        let callee = self.callee(&call.callee);
        let arguments = self.arguments(&call.arguments);
        self.record_call(callee, arguments, place(call.span), false)
    }

    /// What is called, or whose member is taken: being named here is no way out for a function.
    fn callee(&mut self, expression: &ast::Expression<'_>) -> Rc<Node> {
        match expression.get_inner_expression() {
            ast::Expression::Identifier(name) => Rc::new(Node::Name(name.name.to_string())),
            expression => self.expression(expression),
        }
    }

    fn arguments(&mut self, arguments: &[ast::Argument<'_>]) -> Vec<Item> {
        let items = arguments.iter().map(|argument| match argument {
            ast::Argument::SpreadElement(spread) => {
                Item { node: self.expression(&spread.argument), spread: true }
            }
            argument => {
                let node = argument.as_expression().map(|argument| self.expression(argument));
                Item { node: node.unwrap_or_else(unknown), spread: false }
            }
        });
        items.collect()
    }

    fn record_call(
        &mut self,
        callee: Rc<Node>,
        arguments: Vec<Item>,
        span: Span,
        tagged: bool,
    ) -> Rc<Node> {
        for item in &arguments {
            if let Node::Function(index) = *item.node
                && let Some(function) = self.program.functions.get_mut(index)
            {
                function.handed_to = Some(callee.clone());
            }
        }
        let call = Rc::new(Call { callee, arguments, span, tagged });
        if let Node::Name(name) = &*call.callee {
            self.program.calls_by_name.entry(name.clone()).or_default().push(call.clone());
        }
        self.program.steps.push(Step::Call(call.clone()));
        Rc::new(Node::Call(call))
    }

    fn bind(&mut self, name: &str, node: Rc<Node>, path: Vec<Rc<Node>>) {
        if let Node::Function(index) = *node
            && path.is_empty()
            && let Some(function) = self.program.functions.get_mut(index)
        {
            function.name = Some(name.to_owned());
        }
        self.program.names.entry(name.to_owned()).or_default().push(Bound { node, path });
    }

    fn bind_pattern(
        &mut self,
        pattern: &ast::BindingPattern<'_>,
        node: &Rc<Node>,
        path: &[Rc<Node>],
    ) {
        match pattern {
            ast::BindingPattern::BindingIdentifier(name) => {
                self.bind(name.name.as_str(), node.clone(), path.to_vec());
            }
            ast::BindingPattern::AssignmentPattern(pattern) => {
                let default = self.expression(&pattern.right);
                self.bind_pattern(&pattern.left, &default, &[]);
                self.bind_pattern(&pattern.left, node, path);
            }
            ast::BindingPattern::ObjectPattern(pattern) => {
                for property in &pattern.properties {
                    let key = self.key(&property.key);
                    self.look(node, path, &key, place(property.span));
                    let path: Vec<_> = path.iter().cloned().chain([key]).collect();
                    self.bind_pattern(&property.value, node, &path);
                }
                if let Some(rest) = &pattern.rest {
                    self.bind_pattern(&rest.argument, node, path);
                }
            }
            ast::BindingPattern::ArrayPattern(pattern) => {
                for (index, element) in pattern.elements.iter().enumerate() {
                    let Some(element) = element else { continue };
                    let path: Vec<_> =
                        path.iter().cloned().chain([text(index.to_string())]).collect();
                    self.bind_pattern(element, node, &path);
                }
                if let Some(rest) = &pattern.rest {
                    self.bind_pattern(&rest.argument, &unknown(), &[]);
                }
            }
        }
    }

    /// `const { KEY } = process.env` looks at a member, too.
    fn look(&mut self, node: &Rc<Node>, path: &[Rc<Node>], key: &Rc<Node>, span: Span) {
        let object = path
            .iter()
            .fold(node.clone(), |object, key| Rc::new(Node::Member { object, key: key.clone() }));
        self.program.steps.push(Step::Look { object, key: key.clone(), span });
    }

    fn assignment(&mut self, assignment: &ast::AssignmentExpression<'_>) -> Rc<Node> {
        let value = self.expression(&assignment.right);
        let value = match assignment.operator {
            ast::AssignmentOperator::Assign
            | ast::AssignmentOperator::LogicalOr
            | ast::AssignmentOperator::LogicalAnd
            | ast::AssignmentOperator::LogicalNullish => value,
            _ => unknown(),
        };
        self.assign(&assignment.left, &value, &[]);
        value
    }

    fn assign(&mut self, target: &ast::AssignmentTarget<'_>, node: &Rc<Node>, path: &[Rc<Node>]) {
        use ast::AssignmentTarget as T;
        match target {
            T::AssignmentTargetIdentifier(name) => {
                self.bind(name.name.as_str(), node.clone(), path.to_vec());
            }
            T::ArrayAssignmentTarget(array) => {
                for (index, element) in array.elements.iter().enumerate() {
                    let Some(element) = element else { continue };
                    let path: Vec<_> =
                        path.iter().cloned().chain([text(index.to_string())]).collect();
                    self.assign_or_default(element, node, &path);
                }
                if let Some(rest) = &array.rest {
                    self.assign(&rest.target, &unknown(), &[]);
                }
            }
            T::ObjectAssignmentTarget(object) => {
                for property in &object.properties {
                    match property {
                        ast::AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(it) => {
                            let name = it.binding.name.as_str();
                            let path: Vec<_> = path.iter().cloned().chain([text(name)]).collect();
                            self.bind(name, node.clone(), path);
                            if let Some(default) = &it.init {
                                let default = self.expression(default);
                                self.bind(name, default, Vec::new());
                            }
                        }
                        ast::AssignmentTargetProperty::AssignmentTargetPropertyProperty(it) => {
                            let key = self.key(&it.name);
                            let path: Vec<_> = path.iter().cloned().chain([key]).collect();
                            self.assign_or_default(&it.binding, node, &path);
                        }
                    }
                }
                if let Some(rest) = &object.rest {
                    self.assign(&rest.target, node, path);
                }
            }
            target => {
                let Some(member) = target.as_member_expression() else {
                    return walk::walk_assignment_target(self, target);
                };
                let member = self.member(member);
                let Node::Member { key, .. } = &*member else { return };
                let name = match &**key {
                    Node::Text(name) => name.clone(),
                    _ => String::new(),
                };
                let bound = Bound { node: node.clone(), path: path.to_vec() };
                self.program.members.entry(name).or_default().push(bound);
            }
        }
    }

    fn assign_or_default(
        &mut self,
        target: &ast::AssignmentTargetMaybeDefault<'_>,
        node: &Rc<Node>,
        path: &[Rc<Node>],
    ) {
        match target {
            ast::AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(it) => {
                let default = self.expression(&it.init);
                self.assign(&it.binding, &default, &[]);
                self.assign(&it.binding, node, path);
            }
            target => {
                if let Some(target) = target.as_assignment_target() {
                    self.assign(target, node, path);
                }
            }
        }
    }

    fn function(&mut self, function: &ast::Function<'_>) -> Rc<Node> {
        let index = self.enter(&function.params);
        let node = Rc::new(Node::Function(index));
        if let Some(id) = &function.id {
            self.bind(id.name.as_str(), node.clone(), Vec::new());
        }
        if let Some(body) = &function.body {
            self.visit_function_body(body);
        }
        self.inside.pop();
        node
    }

    fn arrow(&mut self, arrow: &ast::ArrowFunctionExpression<'_>) -> Rc<Node> {
        let index = self.enter(&arrow.params);
        match &arrow.body {
            ast::ArrowFunctionBody::FunctionBody(body) => self.visit_function_body(body),
            body => {
                if let Some(value) = body.as_expression() {
                    let value = self.expression(value);
                    self.returned(value);
                }
            }
        }
        self.inside.pop();
        Rc::new(Node::Function(index))
    }

    fn enter(&mut self, parameters: &ast::FormalParameters<'_>) -> usize {
        let function = self.program.functions.len();
        self.program.functions.push(Function::default());
        self.inside.push(function);
        for (index, parameter) in parameters.items.iter().enumerate() {
            let node = Rc::new(Node::Parameter { function, index });
            if let Some(default) = &parameter.initializer {
                let default = self.expression(default);
                self.bind_pattern(&parameter.pattern, &default, &[]);
            }
            self.bind_pattern(&parameter.pattern, &node, &[]);
        }
        if let Some(rest) = &parameters.rest {
            self.bind_pattern(&rest.rest.argument, &unknown(), &[]);
        }
        function
    }

    fn returned(&mut self, value: Rc<Node>) {
        let function = self.inside.last().and_then(|index| self.program.functions.get_mut(*index));
        if let Some(function) = function {
            function.returns.push(value);
        }
    }

    fn each(&mut self, left: &ast::ForStatementLeft<'_>, node: &Rc<Node>) {
        match left {
            ast::ForStatementLeft::VariableDeclaration(declaration) => {
                for declarator in &declaration.declarations {
                    self.bind_pattern(&declarator.id, node, &[]);
                }
            }
            left => {
                if let Some(target) = left.as_assignment_target() {
                    self.assign(target, node, &[]);
                }
            }
        }
    }

    fn import(&mut self, module: &str, member: Option<&str>, name: &str) {
        let argument = Item { node: text(module), spread: false };
        let callee = Rc::new(Node::Name("import".to_owned()));
        let span = Span::new(0, 0);
        let call = Call { callee, arguments: vec![argument], span, tagged: false };
        let path = member.map(text).into_iter().collect();
        self.bind(name, Rc::new(Node::Call(Rc::new(call))), path);
    }
}

impl<'a> Visit<'a> for Lowering {
    fn visit_expression(&mut self, it: &ast::Expression<'a>) {
        self.expression(it);
    }

    fn visit_member_expression(&mut self, it: &ast::MemberExpression<'a>) {
        self.member(it);
    }

    fn visit_call_expression(&mut self, it: &ast::CallExpression<'a>) {
        self.call(it);
    }

    fn visit_function(&mut self, it: &ast::Function<'a>, _flags: ScopeFlags) {
        self.function(it);
    }

    fn visit_variable_declarator(&mut self, it: &ast::VariableDeclarator<'a>) {
        // Without a value nothing is bound yet.
        if let Some(value) = &it.init {
            let node = self.expression(value);
            self.bind_pattern(&it.id, &node, &[]);
        }
    }

    fn visit_return_statement(&mut self, it: &ast::ReturnStatement<'a>) {
        if let Some(value) = &it.argument {
            let value = self.expression(value);
            self.returned(value);
        }
    }

    fn visit_for_of_statement(&mut self, it: &ast::ForOfStatement<'a>) {
        let list = self.expression(&it.right);
        self.each(&it.left, &Rc::new(Node::Element(list)));
        self.visit_statement(&it.body);
    }

    fn visit_for_in_statement(&mut self, it: &ast::ForInStatement<'a>) {
        self.expression(&it.right);
        self.each(&it.left, &unknown());
        self.visit_statement(&it.body);
    }

    fn visit_update_expression(&mut self, it: &ast::UpdateExpression<'a>) {
        if let ast::SimpleAssignmentTarget::AssignmentTargetIdentifier(name) = &it.argument {
            self.bind(name.name.as_str(), unknown(), Vec::new());
        }
        walk::walk_update_expression(self, it);
    }

    fn visit_catch_parameter(&mut self, it: &ast::CatchParameter<'a>) {
        self.bind_pattern(&it.pattern, &unknown(), &[]);
    }

    fn visit_property_definition(&mut self, it: &ast::PropertyDefinition<'a>) {
        if let Some(value) = &it.value {
            let node = self.expression(value);
            let name = it.key.static_name().map(|name| name.into_owned()).unwrap_or_default();
            let bound = Bound { node, path: Vec::new() };
            self.program.members.entry(name).or_default().push(bound);
        }
    }

    fn visit_import_declaration(&mut self, it: &ast::ImportDeclaration<'a>) {
        use ast::ImportDeclarationSpecifier as S;
        let module = it.source.value.as_str();
        for specifier in it.specifiers.iter().flatten() {
            match specifier {
                S::ImportSpecifier(it) => {
                    self.import(module, Some(it.imported.name().as_str()), it.local.name.as_str());
                }
                S::ImportDefaultSpecifier(it) => self.import(module, None, it.local.name.as_str()),
                S::ImportNamespaceSpecifier(it) => {
                    self.import(module, None, it.local.name.as_str());
                }
            }
        }
    }

    fn visit_ts_import_equals_declaration(&mut self, it: &ast::TSImportEqualsDeclaration<'a>) {
        if let ast::TSModuleReference::ExternalModuleReference(module) = &it.module_reference {
            self.import(module.expression.value.as_str(), None, it.id.name.as_str());
        }
    }
}
